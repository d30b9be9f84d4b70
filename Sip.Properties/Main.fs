module Main

open Sip.Properties

[<EntryPoint>]
let main arguments = Closing.run arguments Suite.all
