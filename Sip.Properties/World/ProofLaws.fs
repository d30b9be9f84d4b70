// ProofLaws: whose proof a connection holds, for whom and until when (RFC 3261 §22, §26.1.1).

module Sip.Properties.World.ProofLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Routing
open Sip.Properties
open Sip.Properties.World.Proving

let private own =
    Law.holds
        "a request within a dialog goes on unasked in the name of who has proven to be its sender on that connection"
        (Arb.fromGen cases)
    <| fun (shards, transport, method, way) ->
        let scene = Scene shards
        let from = flow transport 9
        scene.Open from
        scene.Prove "alice" from

        let mine =
            [
                "sip:alice@example.test"
                "sips:%61lice@example.test:5061;x=y"
                "sip:alice@edge.example.test"
                "sip:anonymous@anonymous.invalid"
            ]
            |> List.forall (fun name ->
                let heard, went = scene.Ask from (scene.Request method way name within)
                // A datagram proves nothing to a trunk.
                if
                    transport = Transport.Udp && not (way.Contains "bob" || way.Contains "alias")
                then
                    heard = [ 407 ]
                else
                    heard = [] && (went || way.Contains "example.net"))

        mine

let private registered =
    Law.holds
        "whoever is registered on a flow, in an earlier run of the process perhaps, speaks for themselves on it and for nobody else"
        (Arb.fromGen (Gen.zip cases (Gen.elements [ "bob"; "b%6Fb"; "carol" ])))
    <| fun ((shards, _, method, _), name) ->
        let scene = Scene shards

        let heard, went =
            scene.Ask phone (scene.Request method ways.Head $"sip:{name}@example.test" within)

        if name = "carol" then
            heard = [ 407 ] && not went
        else
            heard = [] && went

let private others =
    Law.holds
        "a connection that one user has proven speaks for no other: whoever claims to be another is asked again, and refused who is not"
        (Arb.fromGen (
            Gen.zip
                cases
                (Gen.elements
                    [
                        "sip:carol@example.test"
                        "sip:bob@example.test"
                        "sip:ALICE@example.test"
                        "sip:nobody@edge.example.test"
                    ])
        ))
    <| fun ((shards, transport, method, way), name) ->
        let scene = Scene shards
        let from = flow transport 9
        scene.Open from
        scene.Prove "alice" from
        let first = scene.Ask from (scene.Request method way name within)
        let again = scene.AskAs "alice" from (scene.Request method way name within)
        first = ([ 407 ], false) && again = ([ 403 ], false)

/// A temporary login of Alice's that counts so long.
let private loginOf (scene: Scene) (seconds: int) : Login =
    let now = Realm.unixTime Ground.realm (Ground.at scene.Now)
    let key = TemporaryKey.Of Ground.realm.Secret
    let login = Temporary.issue key "example.test" "alice" (now + int64 seconds * 1L<s>)

    {
        Username = login.Name
        Ha1 = Ha1.ofPassword Algorithm.Md5 "example.test" login.Name login.Password
    }

/// A request, asked with the login that its challenge wants.
let private sayAs (scene: Scene) (login: Login) (from: Flow) (sheet: Sheet) : (Hop * Sheet) list =
    let challenge =
        scene.Say from sheet
        |> List.filter (fun (hop, _) -> hop = Hop.Flow from)
        |> List.exactlyOne
        |> snd

    let proof =
        (Challenged.answer login (Sheet.method sheet) (Sheet.target sheet) "c" challenge).Value

    let again =
        sheet.Fields
        |> List.map (fun (name, value) -> name, (if name = "Via" then value + "again" else value))

    scene.Say from { sheet with Fields = proof :: again }

let private ends =
    Law.holds
        "a proof ends with the login that gave it, and after an hour in any case"
        (Arb.fromGen (Gen.zip cases (Gen.choose (60, 7200))))
    <| fun ((shards, transport, method, _), seconds) ->
        let scene = Scene shards
        let from = flow transport 9
        scene.Open from

        let proven =
            scene.Request
                "MESSAGE"
                "sip:bob@example.test"
                "sip:alice@example.test"
                "<sip:bob@example.test>"
            |> sayAs scene (loginOf scene seconds) from

        let ask () =
            scene.Ask from (scene.Request method ways.Head "sip:alice@example.test" within)

        let good = min (int64 seconds) 3600L
        scene.Pass(good * 1000L - 2000L)
        let before = ask ()
        scene.Pass 3000L

        List.exists (fun (_, sheet) -> Sheet.isRequest sheet) proven
        && before = ([], true)
        && ask () = ([ 407 ], false)

let private bound =
    Law.holds
        "what is registered with a login that ends is bound no longer than the login"
        (Arb.fromGen (Gen.zip (Gen.elements Ground.transports) (Gen.choose (1, 3599))))
    <| fun (transport, seconds) ->
        let scene = Scene 1
        let from = flow transport 9
        scene.Open from

        let asked =
            scene.Request
                "REGISTER"
                "sip:example.test"
                "sip:alice@example.test"
                "<sip:alice@example.test>"

        let answer =
            { asked with
                Fields = ("Expires", "3600") :: asked.Fields
            }
            |> sayAs scene (loginOf scene seconds) from
            |> List.exactlyOne
            |> snd

        let reached () =
            scene.Request
                "MESSAGE"
                "sip:alice@example.test"
                "sip:x@elsewhere.example"
                "<sip:alice@example.test>"
            |> scene.Ask World.trunk
            |> snd

        let before = reached ()
        scene.Pass(int64 seconds * 1000L)

        Sheet.parameter "expires" (Sheet.first "Contact" answer) = string seconds
        && before
        && not (reached ())

/// Every law.
let all: Test =
    testList "Proofs (RFC 3261 22, 26.1.1)" [ own; registered; others; ends; bound ]
