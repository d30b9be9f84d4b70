module Sip.Sockets.Main

open Expecto
open Sip.Properties

[<EntryPoint>]
let main arguments =
    let lab =
        Laboratory.start Laboratory.transports "example.test" (Laboratory.users Calls.users)
        |> _.GetAwaiter().GetResult()

    let code = Closing.run arguments (testList "Sockets" [ Calls.all lab ])
    lab.Server.Stop().GetAwaiter().GetResult() |> ignore
    code
