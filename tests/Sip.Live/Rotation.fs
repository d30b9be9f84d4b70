// Rotation: the files of a certificate change while clients come and go: no handshake fails, nothing broken is
// ever shown, and who was connected stays. SIP_SWAPS=200 for a campaign.

module Sip.Live.Rotation

open System
open System.Collections.Concurrent
open System.IO
open System.Security.Cryptography.X509Certificates
open System.Threading
open System.Threading.Channels
open System.Threading.Tasks
open Expecto
open Sip

let private swaps =
    match Environment.GetEnvironmentVariable "SIP_SWAPS" with
    | null -> 12
    | text -> int text

let private visitors = 3

type private Files = { Certificate: string; Key: string }

/// A folder of pairs, which is gone in the end.
[<Sealed>]
type private Folder() =
    let path = Directory.CreateTempSubdirectory("sip-certificates-").FullName
    member _.Path = path

    /// Where the pair of this name stands.
    member _.Pair(name: string) : Files =
        {
            Certificate = Path.Combine(path, name + ".pem")
            Key = Path.Combine(path, name + ".key")
        }

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, true)

/// A file is whole from the moment that it bears its name.
let private write (path: string) (text: string) =
    File.WriteAllText(path + ".new", text)
    File.Move(path + ".new", path, true)

let private put (files: Files) (certificate: X509Certificate2) (key: X509Certificate2) =
    use own = nonNull (key.GetECDsaPrivateKey())
    write files.Certificate (certificate.ExportCertificatePem())
    write files.Key (own.ExportPkcs8PrivateKeyPem())

let private named (subject: string) =
    Reactors.certificate [ subject; "localhost" ]

/// Ten ways in which a pair may be broken.
let private break' (files: Files) (kind: int) =
    let pem = (named "broken.test").ExportCertificatePem()

    let expired =
        Authority.alone
            { Authority.plain with
                Common = "broken.test"
                Names = [ "localhost" ]
                From = -9.
                Until = -1.
            }

    let early =
        Authority.alone
            { Authority.plain with
                Common = "broken.test"
                Names = [ "localhost" ]
                From = 1.
                Until = 9.
            }

    match kind % 6 with
    | 0 -> write files.Certificate "no certificate"
    | 1 -> put files (named "broken.test") (named "another.test")
    | 2 -> put files expired expired
    | 3 -> write files.Certificate (pem.Substring(0, pem.Length / 2))
    | 4 -> write files.Key "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    | _ -> put files early early

/// Clients that come, look, ask and go, one after another, until they are told to stop.
type private Visitors(port: int) =
    let stop = new CancellationTokenSource()
    let shown = ConcurrentDictionary<string, int>()
    let failures = ConcurrentQueue<string>()
    let mutable visits = 0

    let visit () =
        task {
            try
                let tls =
                    { Client.anyTls with
                        Seen =
                            fun subject ->
                                shown.AddOrUpdate(subject, 1, fun _ count -> count + 1) |> ignore
                    }

                use! client = Client.connectBy id tls Transport.Tls port
                let! isAnswered = Client.answers client

                if not isAnswered then
                    failures.Enqueue "no answer"
            with failure ->
                failures.Enqueue failure.Message

            Interlocked.Increment &visits |> ignore
        }

    let come () =
        task {
            while not stop.IsCancellationRequested do
                do! visit ()
        }

    let all = [| for _ in 1..visitors -> come () |]

    /// Sends them home: how many visits there were, what went wrong, and whom they saw.
    member _.Leave() =
        task {
            stop.Cancel()
            let! _ = Task.WhenAll all
            return struct (visits, List.ofSeq failures, List.ofSeq shown.Keys)
        }

/// The subject that a new client sees.
let private seen (port: int) : Task<string> =
    task {
        let mutable subject = ""

        let tls =
            { Client.anyTls with
                Seen = fun shown -> subject <- shown
            }

        use! _ = Client.connectBy id tls Transport.Tls port
        return subject
    }

/// Looks until the subject is the one that is waited for; how long that took.
let private until (port: int) (subject: string) : Task<TimeSpan> =
    task {
        let begun = Diagnostics.Stopwatch.StartNew()
        let mutable isThere = false

        while not isThere do
            let! now = seen port
            isThere <- now = subject

            if begun.Elapsed > Client.patience then
                failtest $"{now} is shown, not {subject}"

        return begun.Elapsed
    }

let private rotates shell =
    testCaseTask "while certificates are swapped, some of them broken, no handshake fails"
    <| fun () ->
        task {
            use folder = new Folder()

            let files = folder.Pair "own"

            let first = named "swap-0.test"
            put files first first
            let kept = Channel.CreateUnbounded<string>()

            let heard (line: string) =
                if line.Contains "what was shown before is kept" then
                    kept.Writer.TryWrite line |> ignore

            use! server =
                Served.startWith shell [ "--certificate-folder=" + folder.Path ] "Warning" heard

            let port = server.Port Transport.Tls
            use! resident = Client.connect Transport.Tls port
            let guests = Visitors port
            let mutable current = "swap-0.test"
            let mutable broken = 0
            let mutable longest = TimeSpan.Zero

            for swap in 1..swaps do
                if swap % 10 = 5 then
                    while kept.Reader.TryRead() |> fst do
                        ()

                    break' files broken
                    broken <- broken + 1
                    use deadline = new CancellationTokenSource(Client.patience)
                    let! _ = kept.Reader.ReadAsync deadline.Token
                    let! shown = seen port
                    Expect.equal shown ("CN=" + current) "the old one is kept"
                else
                    current <- $"swap-{swap}.test"
                    let next = named current
                    put files next next
                    let! took = until port ("CN=" + current)
                    longest <- max longest took

                let! lives = Client.answers resident
                Expect.isTrue lives "who was there before is still connected"

            let! struct (visits, failures, shown) = guests.Leave()
            Expect.isEmpty failures $"of {visits} handshakes none fails"
            Expect.isGreaterThan visits swaps "there was a coming and going"
            Expect.isFalse (List.contains "CN=broken.test" shown) "nothing broken was shown"

            stdout.WriteLine
                $"{Served.word shell}: {swaps} swaps, {broken} of them broken; {visits} handshakes, {failures.Length} failed; a new certificate is seen within {longest.TotalSeconds:F1} s"
        }

let private chosen shell =
    testCaseTask "of several certificates the one is shown whose name is asked for"
    <| fun () ->
        task {
            use folder = new Folder()

            let options =
                [
                    for name in [ "one.test"; "two.test" ] do
                        let files = folder.Pair name
                        let certificate = Reactors.certificate [ name ]
                        put files certificate certificate
                        "--certificate=" + files.Certificate
                        "--key=" + files.Key
                ]

            use! server = Served.startWith shell options "Error" ignore

            for asked, expected in
                [
                    "one.test", "CN=one.test"
                    "two.test", "CN=two.test"
                    "three.test", "CN=one.test"
                ] do
                let mutable subject = ""

                let tls =
                    { Client.anyTls with
                        Name = asked
                        Seen = fun shown -> subject <- shown
                    }

                use! _ = Client.connectBy id tls Transport.Wss (server.Port Transport.Wss)
                Expect.equal subject expected asked
        }

let private warns shell =
    testCaseTask "readiness warns of a certificate that ends within a fortnight"
    <| fun () ->
        task {
            use folder = new Folder()

            let files = folder.Pair "a"

            let soon =
                Authority.alone
                    { Authority.plain with
                        Names = [ "soon.test" ]
                        Until = 5.5
                    }

            put files soon soon

            use! server =
                Served.startWith shell [ "--certificate-folder=" + folder.Path ] "Error" ignore

            use http = new Net.Http.HttpClient()
            let! said = http.GetStringAsync $"http://127.0.0.1:{server.Ports[4]}/health/ready"

            Expect.equal
                said
                "ready\nwarning: the certificate of soon.test expires in 5 days\n"
                "in words"
        }

let all =
    testList
        "Rotation"
        [
            for shell in [ Shell.Reactor; Shell.Portable ] do
                testList (Served.word shell) [ rotates shell; chosen shell; warns shell ]
        ]
