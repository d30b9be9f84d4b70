module Main

open Expecto
open Sip.Properties
open Sip.Properties.Registrar

let private registrar =
    testList "Registrar" [ NameLaws.all; RegisterLaws.all; BindingsLaws.all ]

[<EntryPoint>]
let main arguments =
    Closing.run arguments (testList "Laws" [ VocabularyLaws.all; WireLaws.all; StreamLaws.all; registrar ])
