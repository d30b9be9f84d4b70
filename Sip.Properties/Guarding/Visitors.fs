// Visitors: strangers and users at one ledger, in a few lines each: they ask, answer challenges with right and wrong
// passwords, and see what comes back.

namespace Sip.Properties.Guarding

open System
open System.Security.Cryptography
open Sip
open Sip.Routing
open Sip.Registrar
open Sip.Transactions
open Sip.Identity
open Sip.Guarding
open Sip.Edge
open Sip.Properties

/// A ledger with these bounds at which alice, bob and carol have passwords.
[<Sealed>]
type Visitors(caps: Caps, admittance: Admittance) =
    let realm =
        { Ground.realm with
            Admittance = admittance
        }

    let ledger =
        Ledger(
            realm,
            Timing.usual,
            { Policy.standard with
                MaxContacts = caps.Usual[Bound.place Bound.ContactsPerUser]
            },
            Bounds.ofCaps caps,
            Sharding.alone
        )

    let mutable number = 0

    do
        for user in [ "alice"; "bob"; "carol" ] do
            let one = Subscriber.enroll "example.test" user ("secret of " + user)
            ledger.Take(Ground.at 0L, Input.Enrolled one) |> ignore

    let hex (text: string) =
        Convert.ToHexStringLower(MD5.HashData(Text.toBytes text))

    let part (name: string) (challenge: string) =
        let at = challenge.IndexOf(name + "=\"") + name.Length + 2
        challenge.Substring(at, challenge.IndexOf('"', at) - at)

    /// The flow of a stranger, by datagram or on a connection.
    static member Flow(address: uint32, connection: int64) : Flow =
        let transport = if connection = 0L then Transport.Udp else Transport.Tcp
        Ground.flow transport connection (Address.ofV4 address) 5060

    /// Where Bob is, if he is.
    static member Bob: Flow = Visitors.Flow(0xC0000201u, 0L)

    /// An open ledger with these bounds at which Bob is bound, who answers nothing: whatever goes to him is under way.
    static member WithBob(caps: Caps) : Visitors =
        let visitors = Visitors(caps, Admittance.UnsafeOpen)
        visitors.Register(500L, Visitors.Bob, "bob", "", "bob@192.0.2.1") |> ignore
        visitors

    /// The ledger itself.
    member _.Ledger: Ledger = ledger

    /// A connection opens.
    member _.Opens(now: int64, flow: Flow) =
        ledger.Take(Ground.at now, Input.Opened flow) |> ignore

    /// Everything waits so long, for long enough to be a load.
    member _.Waits(waited: int64<ms>) =
        for i in 0L .. 100L do
            ledger.Load.Waited(Ground.at (1000L + i * 5L), waited, 0)

    /// What a message leads to, as text.
    member _.Says(now: int64, flow: Flow, text: string) : string list =
        ledger.Take(Ground.at now, Input.Arrived(flow, ReadOnlyMemory(Text.toBytes text)))
        |> Sends.texts
        |> List.map snd

    /// What a request of this user leads to, as text: credentials and more fields as they are given.
    member this.Ask
        (now: int64, flow: Flow, method: string, user: string, target: string, more: string)
        =
        number <- number + 1

        let text =
            $"%s{method} %s{target} SIP/2.0\r\n"
            + $"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKv%d{number}\r\nMax-Forwards: 70\r\n"
            + $"From: <sip:%s{user}@example.test>;tag=v\r\nTo: <sip:%s{user}@example.test>\r\n"
            + $"Call-ID: v%d{number}\r\nCSeq: 1 %s{method}\r\n%s{more}Content-Length: 0\r\n\r\n"

        this.Says(now, flow, text)

    /// The credentials that answer a challenge by this password.
    member _.Credentials
        (challenge: string, method: string, user: string, target: string, password: string)
        : string =
        let line =
            challenge.Split "\r\n"
            |> Array.find (fun line ->
                line.Contains "-Authenticate: " && line.Contains "algorithm=MD5")

        let nonce = part "nonce" line
        let secret = hex $"%s{user}:example.test:%s{password}"
        let request = hex $"%s{method}:%s{target}"
        let response = hex $"%s{secret}:%s{nonce}:00000001:c:auth:%s{request}"

        let name =
            if line.StartsWith "WWW" then
                "Authorization"
            else
                "Proxy-Authorization"

        $"%s{name}: Digest username=\"%s{user}\", realm=\"example.test\", nonce=\"%s{nonce}\", uri=\"%s{target}\", "
        + $"response=\"%s{response}\", algorithm=MD5, cnonce=\"c\", qop=auth, nc=00000001\r\n"

    /// The same with the answer to a challenge, if the first answer is one: by this password.
    member this.SignIn
        (now, flow: Flow, method: string, user: string, target: string, password: string, more)
        =
        match this.Ask(now, flow, method, user, target, more) with
        | [ challenge ] when
            challenge.StartsWith "SIP/2.0 401" || challenge.StartsWith "SIP/2.0 407"
            ->
            let credentials = this.Credentials(challenge, method, user, target, password)
            this.Ask(now, flow, method, user, target, more + credentials)
        | other -> other

    /// Signs in and binds a contact.
    member this.Register(now, flow: Flow, user: string, password: string, contact: string) =
        this.SignIn(
            now,
            flow,
            "REGISTER",
            user,
            "sip:example.test",
            password,
            $"Contact: <sip:%s{contact}>\r\n"
        )

    /// How often a bound refused something.
    member _.Refused(bound: Bound) : int64 = ledger.Guard.Refused[Bound.place bound]

/// Reading what came back.
[<RequireQualifiedAccess>]
module Answered =

    /// The status of the last answer, 0 where there is none.
    let status (texts: string list) : int =
        match List.filter (fun (text: string) -> text.StartsWith "SIP/2.0 ") texts with
        | [] -> 0
        | answers -> int ((List.last answers).Substring(8, 3))
