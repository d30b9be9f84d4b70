// BindingLaws: what a proven user may call themselves, told by the answers of a whole server
// (RFC 3261 §22.1, RFC 7616 §3.5).

module Sip.Properties.World.BindingLaws

open System
open System.Security.Cryptography
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Registrar
open Sip.Routing
open Sip.Edge
open Sip.Identity
open Sip.Properties

let private realm = Ground.realm
let private now = Instant.FromMilliseconds 1_000L
let private password = "wonderland"

let private flow (transport: Transport) : Flow =
    Ground.flow transport 7L (Address.ofV4 0xC6336407u) 5060

let private opened (flow: Flow) =
    let server = Together(realm, Policy.standard, 1)

    for user in [ "alice"; "bob" ] do
        server.Take(now, Input.Enrolled(Subscriber.enroll "example.test" user password))
        |> ignore

    if Flow.isConnection flow then
        server.Take(now, Input.Opened flow) |> ignore

    server

let private said (server: Together) flow (sheet: Sheet) : Sheet list =
    server.Take(now, Input.Arrived(flow, ReadOnlyMemory(Text.toBytes (Sheet.print sheet))))
    |> List.choose (fun effect ->
        match effect with
        | Effect.Send(_, bytes) -> Some(Sheet.read (Text.ofBytes bytes.Span))
        | Effect.Hand _
        | Effect.Tell _
        | Effect.Ask _
        | Effect.Note _ -> None)

let private uriOf (method: string) =
    if method = "REGISTER" then
        "sip:example.test"
    else
        "sip:bob@example.test"

let private letter (method: string) (from: string) more =
    let letter =
        Letter.request
            method
            (uriOf method)
            from
            ((if method = "REGISTER" then
                  [ "To", String.Concat("<sip:", from, "@example.test>") ]
              else
                  [])
             @ [ "Contact", String.Concat("<sip:", from, "@198.51.100.7>") ]
             @ more)

    letter

let private answerOf (login: Login) (method: string) (response: Sheet) =
    Challenged.answer login method (uriOf method) "0a4f113b" response

let private loginOf algorithm (name: string) (password: string) : Login =
    {
        Username = name
        Ha1 = Ha1.ofPassword algorithm "example.test" name password
    }

/// What a server says to a request of this user in From, first without and then with this login.
let private exchange server flow (login: Login) (method: string) (from: string) : int * Sheet list =
    match said server flow (letter method from []) with
    | [ asked ] ->
        match answerOf login method asked with
        | Some shown -> Sheet.status asked, said server flow (letter method from [ shown ])
        | None -> Sheet.status asked, []
    | _ -> 0, []

// ACK, CANCEL and PRACK cannot be challenged (RFC 3261 §22.1); they have laws of their own.
let private methods =
    Gen.oneof
        [
            Gen.elements
                [
                    "REGISTER"
                    "INVITE"
                    "OPTIONS"
                    "BYE"
                    "MESSAGE"
                    "SUBSCRIBE"
                    "NOTIFY"
                    "REFER"
                    "UPDATE"
                    "INFO"
                    "PUBLISH"
                ]
            Gen.elements (List.ofSeq "ABCXYZ019-.!%*_+`'~")
            |> Gen.nonEmptyListOf
            |> Gen.map (List.truncate 20 >> List.toArray >> String)
            |> Gen.filter (fun word -> word <> "ACK" && word <> "CANCEL" && word <> "PRACK")
        ]

let private transports =
    Gen.elements [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]

let private cases = Gen.zip methods transports |> Arb.fromGen

let private isTold (status: int) (sheets: Sheet list) =
    match sheets with
    | [ only ] -> not (Sheet.isRequest only) && Sheet.status only = status
    | _ -> false

let private hash (text: string) =
    Convert.ToHexString(MD5.HashData(Text.toBytes text)).ToLowerInvariant()

let private parameter (name: string) (value: string) =
    value.Split(',', StringSplitOptions.TrimEntries)
    |> Array.tryPick (fun part ->
        if part.StartsWith(name + "=", StringComparison.Ordinal) then
            Some((part.Substring(name.Length + 1)).Trim '"')
        else
            None)
    |> Option.defaultValue ""

let private temporary =
    let until = realm.Born + 600L<s>
    Temporary.issue (TemporaryKey.Of realm.Secret) "example.test" "alice" until

let all =
    testList
        "Speaking as oneself"
        [
            Law.holds
                "who is proven as one user and speaks as another gets 403, by any method, known or not"
                cases
            <| fun (method, transport) ->
                let flow = flow transport
                let server = opened flow
                let alice = loginOf Algorithm.Md5 "alice" password
                let asked, foreign = exchange server flow alice method "bob"
                let _, own = exchange server flow alice method "alice"

                (asked = 401 || asked = 407)
                && isTold 403 foreign
                && own |> List.forall (fun s -> Sheet.isRequest s || Sheet.status s <> 403)

            Law.holds
                "a temporary login speaks for its user and for nobody else, by any method"
                cases
            <| fun (method, transport) ->
                let flow = flow transport
                let server = opened flow
                let login = loginOf Algorithm.Md5 temporary.Name temporary.Password
                let _, own = exchange server flow login method "alice"
                let _, foreign = exchange server flow login method "bob"
                let _, itself = exchange server flow login method temporary.Name
                let wrong = loginOf Algorithm.Md5 temporary.Name (temporary.Password + "x")
                let asked, guessed = exchange server flow wrong method "alice"

                isTold 403 foreign
                && isTold 403 itself
                && isTold asked guessed
                && own
                   |> List.forall (fun s ->
                       Sheet.isRequest s || not (List.contains (Sheet.status s) [ 401; 403; 407 ]))

            Law.holds
                "the 200 to a proven REGISTER proves that we know the key"
                (Arb.fromGen transports)
            <| fun transport ->
                let flow = flow transport
                let server = opened flow
                let letter = letter "REGISTER" "alice"
                let login = loginOf Algorithm.Md5 "alice" password

                match said server flow (letter []) with
                | [ asked ] ->
                    let header, shown = (answerOf login "REGISTER" asked).Value

                    match said server flow (letter [ header, shown ]) with
                    | [ told ] ->
                        let info = Sheet.first "Authentication-Info" told
                        let nonce = parameter "nonce" shown
                        let key = hash ("alice:example.test:" + password)
                        let end' = hash ":sip:example.test"

                        Sheet.status told = 200
                        && parameter "rspauth" info =
                            hash (
                                String.Join(
                                    ":",
                                    [| key; nonce; "00000001"; "0a4f113b"; "auth"; end' |]
                                )
                            )
                        && parameter "qop" info = "auth"
                        && parameter "nc" info = "00000001"
                        && parameter "cnonce" info = "0a4f113b"
                    | _ -> false
                | _ -> false
        ]
