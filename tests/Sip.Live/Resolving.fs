// Resolving: URIs looked up over a real socket, at a name server on loopback (RFC 3263 §4).

module Sip.Live.Resolving

open System
open System.Threading

open Expecto
open Sip
open Sip.Edge
open Sip.Routing
open Sip.Server.Resolving
open Sip.Server.Shell

let private means: Means =
    {
        Transports = [ Dialled.Udp; Dialled.Tcp; Dialled.Tls ]
        Families = Families.Both
        Barred = [ (Cidr.tryRead "10.0.0.0/8").Value ]
    }

let private a, aaaa, srv, naptr = 1, 28, 33, 35

let private zone (name: string) (kind: int) : Zonal =
    match name, kind with
    | "example.test", 35 ->
        Zonal.Records(
            naptr,
            [
                Rdata.naptr 50 1 "SIP+D2T" "_sip._tcp.example.test"
                Rdata.naptr 90 1 "SIP+D2U" "_sip._udp.example.test"
            ]
        )
    | "_sip._tcp.example.test", 33 ->
        Zonal.Records(
            srv,
            [ Rdata.srv 2 1 5062 "b.example.test"; Rdata.srv 1 1 5061 "a.example.test" ]
        )
    | "_sip._udp.example.test", 33 -> Zonal.Records(srv, [ Rdata.srv 1 1 5063 "a.example.test" ])
    | "a.example.test", 1 -> Zonal.Records(a, [ Rdata.address "192.0.2.1" ])
    | "a.example.test", 28 -> Zonal.Records(aaaa, [ Rdata.address "2001:db8::1" ])
    | "b.example.test", 1 -> Zonal.Records(a, [ Rdata.address "192.0.2.2" ])
    | "inside.test", 1 -> Zonal.Records(a, [ Rdata.address "10.1.2.3" ])
    | "broken.test", _ -> Zonal.Refuse
    | "silent.test", _ -> Zonal.Silence
    | _, _ -> Zonal.Nothing

// As the ledger does: what it does not know it asks, until it knows or knows that there is nothing.
let private ask (server: NameServer) (locator: Locator) (host: string) : Resolved =
    let clock = Clock TimeProvider.System
    let servers = Resolver.Options(DnsClient.NameServer(server.Endpoint))
    let resolver = Resolver((fun () -> DnsClient.LookupClient servers), clock)
    let uri = Uri.ofUser "bob" (Host.Name host)

    let rec round left =
        match locator.Locate(clock.Now, 1UL, uri) with
        | Resolved.Ask questions when left > 0 ->
            questions
            |> List.map (fun question -> resolver.AskAsync(question, CancellationToken.None))
            |> System.Threading.Tasks.Task.WhenAll
            |> _.GetAwaiter().GetResult()
            |> Array.iter (fun told ->
                match told with
                | Input.Answered(question, answer, life) ->
                    locator.Learn(clock.Now, question, answer, life)
                | other -> failtest $"%A{other}")

            round (left - 1)
        | Resolved.Ask _
        | Resolved.To _
        | Resolved.Nowhere _ as known -> known

    round 8

let private resolve host =
    use server = new NameServer(zone)
    let resolved = ask server (Locator(means, 100)) host
    resolved, server.Asked

let private printed (resolved: Resolved) =
    match resolved with
    | Resolved.To found ->
        found
        |> List.map (fun d ->
            Transport.inUri (Hop.dialled d.Transport)
            + " "
            + Endpoint.print { Address = d.Address; Port = d.Port })
    | Resolved.Ask _
    | Resolved.Nowhere _ -> failtest $"%A{resolved}"

/// Every example.
let all: Test =
    testList
        "Resolving over a socket"
        [
            test "a domain's rules, servers and addresses become destinations in its order" {
                Expect.equal
                    (printed (fst (resolve "example.test")))
                    [
                        "tcp [2001:db8::1]:5061"
                        "tcp 192.0.2.1:5061"
                        "tcp 192.0.2.2:5062"
                        "udp [2001:db8::1]:5063"
                        "udp 192.0.2.1:5063"
                    ]
                    "NAPTR, SRV, AAAA and A"
            }

            test "a domain without rules and servers is called by its addresses" {
                Expect.equal
                    (printed (fst (resolve "a.example.test")))
                    [ "udp [2001:db8::1]:5060"; "udp 192.0.2.1:5060" ]
                    "A and AAAA"
            }

            test "a name that does not exist leads nowhere" {
                Expect.equal
                    (fst (resolve "nobody.test"))
                    (Resolved.Nowhere Astray.NoAddress)
                    "absent"
            }

            test "a name that resolves into a barred range leads nowhere" {
                Expect.equal (fst (resolve "inside.test")) (Resolved.Nowhere Astray.Barred) "10/8"
            }

            test "a name server that fails is told apart from a name that is not there" {
                Expect.equal
                    (fst (resolve "broken.test"))
                    (Resolved.Nowhere Astray.NoAnswer)
                    "SERVFAIL"
            }

            test "a name server that never answers is waited for no longer than the deadlines" {
                let watch = Diagnostics.Stopwatch.StartNew()
                let resolved, _ = resolve "silent.test"
                Expect.equal resolved (Resolved.Nowhere Astray.NoAnswer) "silence"
                // NAPTR, then SRV of three services at once, then A and AAAA at once.
                Expect.isLessThan watch.Elapsed (TimeSpan.FromSeconds 10.0) "three deadlines"
            }

            test "nothing under .invalid is asked" {
                let resolved, asked = resolve "x1y2.invalid"
                Expect.equal resolved (Resolved.Nowhere Astray.NoAddress) "nowhere"
                Expect.isEmpty asked "no question"
            }

            test "what has been answered is not asked again" {
                use server = new NameServer(zone)
                let locator = Locator(means, 100)
                let first = ask server locator "example.test"
                let asked = server.Asked.Length
                Expect.equal (ask server locator "example.test") first "the same"
                Expect.equal server.Asked.Length asked "no further question"
            }
        ]
