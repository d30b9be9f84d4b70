module Main

open System
open Expecto
open Sip
open Sip.Properties
open Sip.Live

/// The behaviour that every shell shows over every transport.
let private behaviour (shell: Shell) =
    let served = lazy ((Served.start shell).GetAwaiter().GetResult())
    let server () = served.Value

    testList
        (Served.word shell)
        [
            yield Reading.datagrams server
            yield! Reading.handshakes server

            for transport in Served.streams do
                yield! Reading.streams server transport
                yield! Harm.streams server transport
                yield Descriptors.nothingInherited server transport
                yield Descriptors.nothingLeft shell transport

            yield Harm.broken server Transport.Tcp
            yield Harm.broken server Transport.Tls
            yield Harm.tooLarge server Transport.Ws
            yield Harm.tooLarge server Transport.Wss
            yield Harm.noTls server
            yield Suites.versions server
            yield Suites.resumption server
            yield Stopping.all shell
            yield testCase "the server lives" (fun () -> (server () :> IDisposable).Dispose())
        ]

[<EntryPoint>]
let main arguments =
    Closing.run
        arguments
        (testSequenced (
            testList
                "Live"
                [
                    behaviour Shell.Reactor
                    behaviour Shell.Portable
                    Deadlines.all
                    Certificates.all
                    Trunks.all
                    Rotation.all
                    Shards.all
                    Resolving.all
                    Sifted.all
                    Hanging.all
                    Exhaustion.all
                ]
        ))
