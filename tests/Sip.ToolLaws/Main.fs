module Main

open Expecto
open Sip.Properties
open Sip.ToolLaws

[<EntryPoint>]
let main arguments =
    Closing.run
        arguments
        (testList
            "Laws of the tools"
            [ HistogramLaws.all; ReadingLaws.all; SignatureLaws.all; AimLaws.all ])
