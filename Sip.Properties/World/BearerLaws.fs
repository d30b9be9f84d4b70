// BearerLaws: a token of an issuer instead of a password (RFC 8898): where it is taken, for whom it speaks, until
// when, and that it goes no further than here.

module Sip.Properties.World.BearerLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Edge
open Sip.Identity
open Sip.Registrar
open Sip.Routing
open Sip.Properties
open Sip.Properties.Tokens

let private transports =
    [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

let private flow (transport: Transport) : Flow =
    Ground.flow transport 9L (Address.ofV4 0xCB007109u) 41009

let private secured = Bearing.Secured rules
let private unsafe = Bearing.UnsafeAnywhere rules

/// A server that takes tokens like this, with a flow of somebody's.
type private Scene(bearing: Bearing, transport: Transport) =
    let realm = { Ground.realm with Bearing = bearing }

    let ledger = Together(realm, Policy.standard, 1)
    let from = flow transport
    let mutable now = 1000L

    let take (input: Input) : (Hop * Sheet) list =
        [
            for effect in ledger.Take(Instant.FromMilliseconds now, input) do
                match effect with
                | Effect.Send(hop, bytes) -> hop, Sheet.read (Text.ofBytes bytes.Span)
                | Effect.Hand _
                | Effect.Tell _
                | Effect.Ask _
                | Effect.Note _ -> ()
        ]

    do
        if Flow.isConnection from then
            take (Input.Opened from) |> ignore

    member _.Pass(milliseconds: int64) =
        let until = now + milliseconds

        ledger.Pass(now, until) |> ignore
        now <- until

    member _.Say(sheet: Sheet) : (Hop * Sheet) list =
        take (Input.Arrived(from, ReadOnlyMemory(Text.toBytes (Sheet.print sheet))))

    /// A REGISTER of a user with these fields more.
    member this.Register (user: string) (more: (string * string) list) : Sheet =
        Letter.register user "c@x" "<sip:q1@x7.invalid;transport=ws>" more
        |> this.Say
        |> List.exactlyOne
        |> snd

    /// A MESSAGE to the trunk, in this user's name.
    member this.Text (user: string) (more: (string * string) list) : Sheet list =
        Letter.request "MESSAGE" "sip:+1555@192.0.2.100:5060" user more
        |> this.Say
        |> List.map snd

let private bearer (header: string) (token: string) = [ header, "Bearer " + token ]

let private token (seconds: int64) (user: string) =
    sign Signer.Ecdsa ecdsaHeader (claimsUntil (now + seconds * 1L<s>) user)

let private isTaken bearing transport =
    bearing = "unsafe" || Transport.isSecure transport

let private bearings = Gen.elements [ "secured"; "unsafe" ]

let private scene bearing transport =
    Scene((if bearing = "unsafe" then unsafe else secured), transport)

let private proves =
    Law.holds
        "a token proves the user it names, where nobody can overhear it or the operator says so"
        (Arb.fromGen (Gen.zip bearings (Gen.elements transports)))
    <| fun (bearing, transport) ->
        let one = scene bearing transport
        let good = token 300L "alice"
        let registered = one.Register "alice" (bearer "Authorization" good)
        let other = one.Register "bob" (bearer "Authorization" good)
        let texts = one.Text "alice" (bearer "Proxy-Authorization" good)
        let foreign = one.Text "bob" (bearer "Proxy-Authorization" good)
        let byOther = one.Text "alice" (bearer "authorization" good)

        if isTaken bearing transport then
            Sheet.status registered = 200
            && Sheet.status other = 403
            && List.exists Sheet.isRequest texts
            && List.exists Sheet.isRequest byOther
            && List.map Sheet.status foreign = [ 403 ]
        else
            Sheet.status registered = 401
            && Sheet.status other = 401
            && List.map Sheet.status texts = [ 407 ]
            && List.map Sheet.status foreign = [ 407 ]

let private asks =
    Law.holds
        "a challenge asks for a token where no phone or browser looks for a password, says where to get one and what was wrong"
        (Arb.fromGen (
            Gen.zip3 bearings (Gen.elements transports) (Gen.elements [ ""; "x.y.z"; "expired" ])
        ))
    <| fun (bearing, transport, shown) ->
        let one = scene bearing transport
        let shown = if shown = "expired" then token -31L "alice" else shown

        let more = if shown = "" then [] else bearer "Authorization" shown
        let offered = Sheet.all "WWW-Authenticate" (one.Register "alice" more)

        let digests, others =
            offered |> List.partition (fun value -> value.StartsWith "Digest ")

        let plain = "Bearer realm=\"example.test\", authz_server=\"https://issuer.example\""

        // Phones look at the first challenge, browsers at the last.
        let isInPlace =
            if Transport.isWebSocket transport then
                offered = others @ digests
            else
                offered = digests @ others

        isInPlace
        && not digests.IsEmpty
        && match others with
           // To a datagram that proves nothing the answer is short.
           | [] -> not (isTaken bearing transport) || transport = Transport.Udp
           | [ only ] when shown = "" -> isTaken bearing transport && only = plain
           | [ only ] ->
               isTaken bearing transport
               && only.StartsWith(
                   plain + ", error=\"invalid_token\", error_description=\"The token "
               )
           | _ -> false

let private isSayable (text: string) =
    not (text.Contains '\n') && text.Trim ' ' = text

let private forgeries =
    Law.holds "of mutated tokens none proves anything in SIP, and of two tokens neither does" forged
    <| fun (good, bad) ->
        let one = scene "secured" Transport.Wss

        let status more =
            Sheet.status (one.Register "alice" more)

        (not (isSayable bad) || status (bearer "Authorization" bad) = 401)
        && status (bearer "Authorization" good @ bearer "Authorization" good) = 401

let private kept =
    Law.holds
        "a token goes no further than to who judges it"
        (Arb.fromGen (
            Gen.zip
                (Gen.elements [ Transport.Tls; Transport.Wss ])
                (Gen.elements [ "Authorization"; "Proxy-Authorization"; "AUTHORIZATION" ])
        ))
    <| fun (transport, header) ->
        let one = scene "secured" transport
        let good = token 300L "alice"

        let sent =
            one.Text
                "alice"
                (bearer header good
                 @ [ "Authorization", "Digest username=\"x\", realm=\"elsewhere\"" ])
            |> List.filter Sheet.isRequest

        match sent with
        | [ only ] ->
            not ((Sheet.print only).Contains good)
            && Sheet.all "Authorization" only = [ "Digest username=\"x\", realm=\"elsewhere\"" ]
        | _ -> false

let private ends =
    Law.holds "what a token has proven and bound ends with it" (Arb.fromGen (Gen.choose (5, 3599)))
    <| fun seconds ->
        let one = scene "secured" Transport.Wss
        let good = token (int64 seconds) "alice"
        let answer = one.Register "alice" (bearer "Authorization" good)

        let within () =
            one.Text "alice" [ "To", "<sip:+1555@trunk.example.net>;tag=1" ]
            |> List.exists Sheet.isRequest

        let before = within ()
        one.Pass(int64 seconds * 1000L)

        // It has been a second since the time of the tokens.
        Sheet.parameter "expires" (Sheet.first "Contact" answer) = string (min 600 (seconds - 1))
        && before
        && not (within ())
        && Sheet.status (one.Register "alice" (bearer "Authorization" good)) = 401

/// Every law.
let all: Test =
    testList "Tokens in SIP (RFC 8898)" [ proves; asks; forgeries; kept; ends ]
