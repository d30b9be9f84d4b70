module Main

open Expecto
open Sip.Properties
open Sip.Tests

let private examples =
    testList
        "Examples"
        [
            UriExamples.all
            SipHashVectors.all
            GrammarExamples.all
            Torture.all
            Handshakes.all
            WebSocketFrames.all
            DigestExamples.all
            AuthenticationExamples.all
            Registrations.all
            Transcript.all
        ]

[<EntryPoint>]
let main arguments =
    Closing.run
        arguments
        (testList "Tests" [ examples; Requirements.all [ Suite.all; examples ]; Threats.all ])
