// RecordLaws: what is true of the flow tokens in our Record-Route, and of a request that comes along them
// (RFC 5626 §5.3, RFC 5658 §5).

namespace Sip.Properties.Outbound

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Properties

/// The laws of recorded flows.
[<RequireQualifiedAccess>]
module RecordLaws =

    let private token (flow: Flow) = Alias.mint Ground.mint flow

    let private invite () =
        Crossing.request "sip:bob@example.test" []

    let private recorded (came: Flow) (leaves: Flow) =
        Crossing.texts HeaderName.RecordRoute (Crossing.forwarded came leaves (invite ()))

    // The user part, and whether `ob` stands beside it.
    let private named (value: string) : string option =
        match UriView.ofText (value.Trim('<', '>')) with
        | ValueSome(Uri.Sip uri) ->
            if Parameters.has "ob" uri.Parameters then
                ValueOption.toOption uri.User
            else
                None
        | ValueSome _
        | ValueNone -> failtest value

    let private chooseFrom (isLive: Flow -> bool) (came: Flow) uri routes =
        let request = Crossing.request uri routes
        let station = Ground.station ()

        let living flow =
            if isLive flow then ValueSome flow else ValueNone

        Target.choose station living came request (Routes.strip station request)

    /// The flow that a request goes along, and what its Request-URI becomes.
    let private followed (target: Target) : (Flow * Heading) option =
        match target with
        | Target.Along(Hop.Flow flow, heading) -> Some(flow, heading)
        | Target.Along(Hop.Dial _, _)
        | Target.Server
        | Target.User
        | Target.Instance
        | Target.Sought _
        | Target.Ending _
        | Target.Nobody _ -> None

    let private everything (_: Flow) = true
    let private nameless = "sip:alice@df7jal.invalid;transport=ws"

    let private connections =
        Ground.twoFlows
        |> Arb.filter (fun (came, leaves) ->
            Flow.isConnection came && Flow.isConnection leaves && came <> leaves)

    let private stands =
        Law.holds
            "a client's connection, and nothing else, stands in the Record-Route of its side by its token"
            Ground.twoFlows
        <| fun (came, leaves) ->
            let expected (flow: Flow) =
                if Flow.isConnection flow then Some(token flow) else None

            match recorded came leaves |> List.map named with
            | [ outward; inward ] -> outward = expected leaves && inward = expected came
            | [ only ] -> only = Option.orElse (expected leaves) (expected came)
            | _ -> false

    let private peers =
        Law.holds "a peer's connection stands in no Record-Route by a token" Ground.twoFlows
        <| fun (came, leaves) ->
            let peer =
                { leaves with
                    Remote =
                        { leaves.Remote with
                            Address = Address.ofV4 0xC0000264u
                        }
                }

            recorded peer peer |> List.forall (fun value -> (named value).IsNone)

    let private goesDown =
        Law.holds
            "a request along our Record-Route goes down the other side's connection, from either side"
            connections
        <| fun (came, leaves) ->
            let values = recorded came leaves

            let leadsTo (other: Flow) target =
                followed target = Some(other, Heading.Kept)

            leadsTo leaves (chooseFrom everything came nameless (List.rev values))
            && leadsTo came (chooseFrom everything leaves nameless values)

    let private strict =
        Law.holds
            "a token that a strict router has put into the Request-URI is followed all the same"
            connections
        <| fun (came, leaves) ->
            let values = recorded came leaves
            let top = values.Head.Trim('<', '>')

            let routes = values.Tail @ [ "<" + nameless + ">" ]
            let target = chooseFrom everything leaves top routes
            Option.map fst (followed target) = Some came

    let private damaged =
        gen {
            let! came, leaves = connections.Generator
            let! at = Gen.choose (0, (token leaves).Length - 2)
            let whole = token leaves
            let other = if whole[at] = 'A' then "B" else "A"
            let! alias = Gen.elements [ ""; ";alias=" + token leaves ]
            return came, leaves, whole, whole.Remove(at, 1).Insert(at, other), alias
        }

    let private forged =
        Law.holds
            "a request along a token that is not ours gets 403, whatever its Request-URI names"
            (Arb.fromGen damaged)
        <| fun (came, leaves, whole, other, alias) ->
            let along (token: string) =
                recorded came leaves
                |> List.rev
                |> List.map (fun value -> value.Replace(whole, token))
                |> chooseFrom everything came (nameless + alias)

            along other = Target.Nobody Refusal.ForgedToken
            && along whole <> Target.Nobody Refusal.ForgedToken

    let private gone =
        Law.holds "a request along the token of a connection that is gone gets 430" connections
        <| fun (came, leaves) ->
            let routes = recorded came leaves |> List.rev

            chooseFrom (fun flow -> flow <> leaves) came nameless routes =
                Target.Nobody Refusal.FlowGone

    let private newer =
        Law.holds
            "a Request-URI with the alias of a flow that lives is reached along a dead token, too"
            (Arb.fromGen (Gen.zip connections.Generator Ground.twoFlows.Generator))
        <| fun ((came, leaves), (now, _)) ->
            let routes = recorded came leaves |> List.rev
            let uri = nameless + ";alias=" + token now

            let living flow = flow <> leaves || now = leaves
            followed (chooseFrom living came uri routes) = Some(now, Heading.Unaliased)

    let private outlived =
        Law.holds
            "a Request-URI with the alias of a flow that is gone is reached by the token of one that lives"
            (Arb.fromGen (Gen.zip connections.Generator connections.Generator))
        <| fun ((came, leaves), (old, _)) ->
            let routes = recorded came leaves |> List.rev
            let uri = nameless + ";alias=" + token old

            let target = chooseFrom (fun flow -> flow <> old) came uri routes

            if leaves = old then
                target = Target.Nobody Refusal.FlowGone
            else
                followed target = Some(leaves, Heading.Unaliased)

    let private unmarked =
        Law.holds "a user part beside which no ob stands is no token" Ground.twoFlows
        <| fun (came, _) ->
            let route = "<sip:alice@edge.example.test:5060;lr>"

            chooseFrom everything came "sip:bob@example.test" [ route ] = Target.User

    /// Every law.
    let all: Test =
        testList
            "Recorded flows (RFC 5626 §5.3)"
            [ stands; peers; goesDown; strict; forged; gone; newer; outlived; unmarked ]
