module Main

open Expecto
open Sip.Properties

[<EntryPoint>]
let main arguments =
    Closing.run arguments (testList "Laws" [ VocabularyLaws.all; WireLaws.all ])
