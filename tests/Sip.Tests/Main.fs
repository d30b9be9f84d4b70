module Main

open Expecto
open Sip.Properties
open Sip.Tests

[<EntryPoint>]
let main arguments =
    Closing.run arguments (testList "Examples" [ UriExamples.all; Registrations.all; Handshakes.all; WebSocketFrames.all ])
