module Sip.Sockets.Main

open Expecto
open Sip.Properties

[<EntryPoint>]
let main arguments =
    let lab =
        Laboratory.start Laboratory.transports "example.test" (Laboratory.users Calls.users)
        |> _.GetAwaiter().GetResult()

    let bench = Torture.prepare().GetAwaiter().GetResult()
    let code = Closing.run arguments (testList "Sockets" [ Calls.all lab; Rfcs.all (Torture.judge bench) ])
    if not (isNull (System.Environment.GetEnvironmentVariable "SHOW")) then stdout.WriteLine bench.Forwarding.Server.Output
    lab.Server.Stop().GetAwaiter().GetResult() |> ignore
    code
