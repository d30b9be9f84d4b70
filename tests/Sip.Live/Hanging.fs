// Hanging: peers that do not answer when they are connected to: listeners whose queue is full, so that the system drops
// every further SYN.

module Sip.Live.Hanging

open System
open System.Collections.Generic
open System.Diagnostics
open System.Net
open System.Net.Sockets
open System.Threading.Tasks
open Expecto
open Sip

/// A place that nobody can connect to, and nobody is refused at.
[<Sealed>]
type private Deaf() =
    let listener =
        new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

    let place =
        listener.Bind(IPEndPoint(IPAddress.Loopback, 0))
        listener.Listen 0
        nonNull listener.LocalEndPoint :?> IPEndPoint

    // One waits to be accepted for ever, and there is no room for another.
    let first =
        new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

    do first.Connect place

    member _.Uri = String.Concat("sip:x@127.0.0.1:", string place.Port, ";transport=tcp")

    interface IDisposable with
        member _.Dispose() =
            first.Dispose()
            listener.Dispose()

let private final (client: Client) : Task<string> =
    task {
        let mutable answer = "SIP/2.0 100 "

        while answer.StartsWith("SIP/2.0 1", StringComparison.Ordinal) do
            let! next = Client.message client
            answer <- next

        return answer
    }

/// Another client asks all the time: the longest time to an answer, in milliseconds, and how many there were.
let private meanwhile (client: Client) (until: Task) : Task<struct (float * int)> =
    task {
        let mutable longest = 0.
        let mutable answers = 0

        while not until.IsCompleted do
            let watch = Stopwatch.StartNew()
            let! alive = Client.answers client
            Expect.isTrue alive "the others are served"
            longest <- max longest watch.Elapsed.TotalMilliseconds
            answers <- answers + 1

        return struct (longest, answers)
    }

let private hangs shell =
    testCaseTask
        $"{Served.word shell}: what goes to forty places that answer no SYN is answered in two seconds, and nobody else waits"
    <| fun () ->
        task {
            use! served = Served.start shell

            let connect () =
                Client.connect Transport.Tcp (served.Port Transport.Tcp)

            let places = List.init 40 (fun _ -> new Deaf())
            use! canary = connect ()
            let! alive = Client.answers canary
            Expect.isTrue alive "it is there"
            let! callers = Task.WhenAll(places |> List.map (fun _ -> connect ()))
            let watch = Stopwatch.StartNew()
            let times = List<float>()

            let ask (number: int) (place: Deaf) : Task<string> =
                task {
                    let caller = callers[number]
                    let id = Requests.fresh ()

                    do!
                        Client.send
                            caller
                            (if number % 2 = 0 then
                                 Requests.optionsTo place.Uri Transport.Tcp id
                             else
                                 Requests.inviteTo place.Uri Transport.Tcp id "hello")

                    let! answer = final caller
                    lock times (fun () -> times.Add watch.Elapsed.TotalSeconds)
                    return answer
                }

            let asked = Task.WhenAll(List.mapi ask places)
            let! struct (longest, answers) = meanwhile canary asked
            let! all = asked

            for answer in all do
                Expect.stringStarts answer "SIP/2.0 50" "it is answered that there is nobody"

            Expect.isGreaterThan (Seq.min times) 1.5 "the places do hang"
            Expect.isLessThan (Seq.max times) 4. "and are given up"
            Expect.isGreaterThan answers 100 "the others ask all the time"
            Expect.isLessThan longest 500. "and none of them waits"

            for client in callers do
                (client :> IDisposable).Dispose()

            for place in places do
                (place :> IDisposable).Dispose()
        }

/// Every example.
let all = testList "Hanging" [ hangs Shell.Reactor; hangs Shell.Portable ]
