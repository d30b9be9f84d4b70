// FlowRouteLaws: what is true of Path, Record-Route and kept flows (RFC 5626 §5 to §7, RFC 3327).

namespace Sip.Properties.Outbound

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Registrar
open Sip.Routing
open Sip.Properties
open Sip.Properties.Registrar

/// The laws of FlowRoute, PathUse and KeptFlow.
[<RequireQualifiedAccess>]
module FlowRouteLaws =

    let private supports = Gen.elements [ Support.Stated; Support.Unstated ]
    let private listeners = Gen.elements (List.ofArray Ground.realm.Listeners)

    let private edges =
        Arb.fromGen (
            gen {
                let! wish = Gen.elements [ PathWish.WhereSupported; PathWish.Demanded ]
                let! support = supports
                let! position = Gen.elements [ Position.FirstHop; Position.Later ]
                let! listener = listeners
                return wish, support, position, listener
            }
        )

    let private has (text: string) (value: string) =
        value.Contains(text, StringComparison.Ordinal)

    let private inserted =
        Law.holds "our Path is loose, and has flow and ob where we are the first hop only" edges
        <| fun (wish, support, position, listener) ->
            match FlowRoute.path wish support position listener.Transport listener "TOKEN" with
            | PathStep.Insert(value, _) ->
                let isFirst = position = Position.FirstHop

                has ";lr" value
                && has "<sip:TOKEN@" value = isFirst
                && has ";ob" value = isFirst
            | PathStep.Nothing -> support = Support.Unstated && wish = PathWish.WhereSupported
            | PathStep.Refuse -> support = Support.Unstated && wish = PathWish.Demanded

    let private demanded =
        Law.holds "a registrar that has to honour our Path is told so, and only then" edges
        <| fun (wish, support, position, listener) ->
            match FlowRoute.path wish support position listener.Transport listener "TOKEN" with
            | PathStep.Insert(_, headers) ->
                headers =
                    (if wish = PathWish.Demanded then
                         [ "Require", "path" ]
                     else
                         [])
            | PathStep.Nothing
            | PathStep.Refuse -> true

    let private browsers =
        Law.holds "a browser's REGISTER never goes on without our Path" edges
        <| fun (wish, support, position, listener) ->
            not (Transport.isWebSocket listener.Transport)
            || FlowRoute.path wish support position listener.Transport listener "TOKEN"
               <> PathStep.Nothing

    let private request (routes: string list) =
        let lines =
            routes |> List.map (fun route -> "Route: " + route + "\r\n") |> String.Concat

        let text =
            "BYE sip:bob@x.invalid SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
            + "From: <sip:a@x>;tag=1\r\nTo: <sip:bob@example.test>;tag=2\r\n"
            + "Call-ID: 1@x\r\nCSeq: 1 BYE\r\n"
            + lines
            + "\r\n"

        match Wire.Reading.message Wire.Limits.usual (ReadOnlySpan(Text.toBytes text)) with
        | Wire.Arrival.Message message -> message
        | Wire.Arrival.Broken(fault, _) -> failtest $"%A{fault}"

    let private comesOff =
        Law.holds "the value that we put on a Path comes off again as ours" (Arb.fromGen listeners)
        <| fun listener ->
            let message =
                request [ FlowRoute.value listener "TOKEN"; "<sip:next.example.net;lr>" ]

            let way = Routes.strip (Ground.station ()) message

            way.Left = 1
            && message.Text way.Next = "<sip:next.example.net;lr>"
            && way.Passage = Passage.Recorded

    let private traces =
        Gen.frequency
            [
                3, Gen.map Traced.Leads Addresses.flow
                1, Gen.map (uint32 >> Traced.Elsewhere) (Gen.choose (0, 9))
                1, Gen.constant Traced.Dead
                1, Gen.constant Traced.Forged
            ]

    let private requests =
        Arb.fromGen (
            gen {
                let! source = Addresses.flow
                let! naming = Gen.elements [ Naming.ByFlow; Naming.ByInstance; Naming.ByRoute ]
                let! traced = Gen.frequency [ 4, traces; 1, Gen.constant (Traced.Leads source) ]
                return source, naming, traced
            }
        )

    let private directions =
        Law.holds
            "a request goes down the flow of its token, except one that came up it or needs it no more"
            requests
        <| fun (source, naming, traced) ->
            match FlowRoute.direction source naming traced, traced with
            | Direction.Down flow, Traced.Leads leads ->
                flow = leads && flow <> source && naming <> Naming.ByFlow
            | Direction.Onward, Traced.Leads leads -> leads = source || naming = Naming.ByFlow
            | Direction.Onward, (Traced.Dead | Traced.Elsewhere _) -> naming <> Naming.ByRoute
            | Direction.Gone, Traced.Dead -> naming = Naming.ByRoute
            | Direction.ToNode node, Traced.Elsewhere other ->
                node = other && naming = Naming.ByRoute
            | Direction.Forged, Traced.Forged -> true
            | (Direction.Down _ | Direction.Onward | Direction.Gone | Direction.ToNode _ | Direction.Forged),
              _ -> false

    let private judged =
        Law.holds
            "a Path is kept in its order, or refused with 420 where the client states no support"
            (Arb.fromGen (
                gen {
                    let! policy = Gen.elements [ PathPolicy.Lenient; PathPolicy.Strict ]
                    let! support = supports
                    let! values = Gen.listOf (Gen.elements [ "<sip:a;lr>"; "<sip:b;lr;ob>" ])
                    return policy, support, values
                }
            ))
        <| fun (policy, support, values) ->
            match PathUse.judge policy support values with
            | PathVerdict.Keep kept -> kept = values && List.map snd (PathUse.headers kept) = values
            | PathVerdict.Refuse ->
                not values.IsEmpty
                && (policy, support) = (PathPolicy.Strict, Support.Unstated)
                && (fst PathUse.refusal).Number = 420

    let private kept =
        Law.holds
            "a browser's flow is kept whether it asks or not, another's if it asks"
            (Arb.fromGen (
                gen {
                    let! flow = Addresses.flow
                    let! support = supports
                    let! regId = Gen.elements [ ValueNone; ValueSome 1 ]
                    return flow.Transport, support, regId
                }
            ))
        <| fun (transport, support, regId) ->
            let asks = support = Support.Stated && regId.IsSome
            let isKept = KeptFlow.keeps transport support regId = Keeping.Kept
            isKept = (asks || Transport.isWebSocket transport)

    let private told =
        Law.holds
            "a client is told Require: outbound, with a Flow-Timer, if it knows it and has a flow bound"
            (Arb.fromGen (Gen.zip supports (Gen.elements [ Keeping.Kept; Keeping.Unkept ])))
        <| fun (support, bound) ->
            let headers = KeptFlow.headers 120L<s> support bound

            if (support, bound) = (Support.Stated, Keeping.Kept) then
                headers = [ "Require", "outbound"; "Flow-Timer", "120" ]
            else
                headers.IsEmpty

    let private statuses =
        Gen.elements [ 200; 302; 403; 404; 408; 430; 480; 486; 500; 503; 603 ]
        |> Gen.map (fun number -> (Status.TryOf number).Value)

    let private hidden =
        Law.holds "no caller is told 430" (Arb.fromGen statuses)
        <| fun status ->
            let told = KeptFlow.told status
            told.Number <> 430 && (told = status || status.Number = 430)

    /// Every law.
    let all: Test =
        testList
            "Outbound and Path (RFC 5626, RFC 3327)"
            [
                inserted
                demanded
                browsers
                comesOff
                directions
                judged
                kept
                told
                hidden
            ]
