// Torture: the server that hard messages are sent to. It takes loopback for a peer, so that nobody is
// challenged and every message goes as far as it can; a phone there answers what reaches it.

module Sip.Sockets.Torture

open System.Threading.Tasks
open Expecto

let private domains =
    [
        "example.net"
        "example.org"
        "company.com"
        "host.example.net"
        "chair-dnrc.example.com"
        "services.example.com"
        "registrar.example.com"
        "[2001:db8::10]"
        "[2001:db8::10:5070]"
        "[2001:db8::192.0.2.1]"
    ]

// The users that the messages call.
let private called =
    [ "user"; "vivekg"; "kumiko"; "t.watson"; "remote-target"; "UserB"; "joe" ]

/// A server with its phone, and another for what registers: its bindings are in nobody's way.
type Bench =
    {
        Forwarding: Laboratory
        Registering: Laboratory
        Catcher: Catcher
    }

// A peer passes the registrations of others on, and is asked for their passwords: registrations are judged
// where nobody is.
let private lab (shell: string) (trust: string list) =
    Laboratory.start
        shell
        Verdict.transports
        "example.com"
        (trust @ List.collect (fun domain -> [ "--domain"; domain ]) domains)

let private bind (phone: Phone) (user: string) : Task<unit> =
    task {
        let contact = [ "Contact", $"<{phone.Contact}>;expires=3600" ]
        let place = $"<{phone.Aor}>;tag=1", $"<sip:{user}@example.com>", $"bind-{user}", 1

        let struct (sent, _) =
            Phone.request phone "REGISTER" "sip:example.com" place contact [||]

        do! phone.Send sent
        let! _ = phone.Response 200
        return ()
    }

/// Starts both servers and the phone.
let prepare (shell: string) : Task<Bench> =
    task {
        let! forwarding = lab shell [ "--peer"; "udp:127.0.0.1:9" ]
        let! registering = lab shell [ "--unsafe-no-auth" ]
        let place = Laboratory.place forwarding "udp"
        let! phone = Phone.connect "udp" place "catcher" "" "example.com"

        for user in called do
            do! bind phone user

        let catcher = Catcher phone
        catcher.Start()

        return
            {
                Forwarding = forwarding
                Registering = registering
                Catcher = catcher
            }
    }

/// One test for each transport.
let judge (bench: Bench) (verdict: Verdict) : Test list =
    let lab =
        if (Said.text verdict.Message).StartsWith "REGISTER" then
            bench.Registering
        else
            bench.Forwarding

    Verdict.transports |> List.map (Verdict.test lab bench.Catcher verdict)

/// The rules of our own writing, and the RFCs' own messages where they stand.
let all (bench: Bench) : Test =
    testList
        "Hard messages"
        [
            testList "Syntax" (List.collect (judge bench) SyntaxRules.all)
            testList "Meaning" (List.collect (judge bench) MeaningRules.all)
            Rfcs.all (judge bench)
        ]
