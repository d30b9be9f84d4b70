// RegisterLaws: what is true of every REGISTER (RFC 3261 §10.3, RFC 5626 §6).

namespace Sip.Properties.Registrar

open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Registrar
open Sip.Properties

/// The laws of Register.step.
[<RequireQualifiedAccess>]
module RegisterLaws =

    let private accepted script =
        Scripts.registers script
        |> List.choose (fun (moment, request) ->
            match moment.Outcome with
            | Outcome.Registered(bindings, changes) -> Some(moment, request, bindings, changes)
            | Outcome.Refused _ -> None)

    let private offered (request: Request) =
        match request.Contacts with
        | ValueSome(Contacts.These contacts) -> contacts
        | ValueSome Contacts.Star
        | ValueNone -> []

    let private onePerLine (row: Row) =
        (NameAddr.print row.Contact, row.CallId, row.CSeq), (row.Until, row.Flow, row.Path)

    let private ofBinding (b: Binding) =
        (NameAddr.print b.Contact, b.CallId, b.CSeq), (b.Expires.Milliseconds, b.Flow, b.Path)

    let private agrees (policy: Policy) (rows: Row list, agreed) (moment: Moment) =
        let now = moment.Now.Milliseconds

        match moment.Event, moment.Outcome with
        | Event.Register request, Outcome.Refused refusal ->
            let answer = Model.register policy now request rows
            rows, agreed && answer = Error (Refusal.status refusal).Number
        | Event.Register request, Outcome.Registered(bindings, _) ->
            match Model.register policy now request rows with
            | Ok rows ->
                let expected = List.map onePerLine rows
                rows, agreed && expected = List.map ofBinding (Bindings.toList bindings)
            | Error _ -> rows, false
        | (Event.Pass _ | Event.Again), _ -> rows, agreed
        | Event.Close flow, _ ->
            rows |> List.filter (fun r -> r.Flow <> flow || r.Path <> []), agreed

    let private readAloud =
        Law.holds "a REGISTER does what RFC 3261 section 10.3 says read step by step" Scripts.all
        <| fun script -> Scripts.tell script |> List.fold (agrees script.Policy) ([], true) |> snd

    let private allOrNothing =
        Law.holds "one contact that is refused refuses all that came with it" Scripts.all
        <| fun script ->
            let spoil =
                {
                    Display = ""
                    Uri = Uri.Other("mailto", "spoil@example.com")
                    Parameters =
                        [
                            {
                                Name = "expires"
                                Value = ValueSome "1"
                            }
                        ]
                }

            accepted script
            |> List.forall (fun (moment, request, _, _) ->
                let contacts = Contacts.These(offered request @ [ spoil ])

                let spoilt =
                    { request with
                        Contacts = ValueSome contacts
                    }

                match Register.step script.Policy moment.Now spoilt moment.Before with
                | Outcome.Refused _ -> true
                | Outcome.Registered _ -> false)

    let private isNewer (request: Request) (change: Change) =
        match change with
        | Change.Added _ -> true
        | Change.Refreshed(before, _)
        | Change.Removed(before, (Departure.Unregistered | Departure.Replaced)) ->
            before.CallId <> request.Origin.CallId || before.CSeq < request.Origin.CSeq
        | Change.Removed(_, (Departure.Expired | Departure.Evicted)) -> true
        | Change.Removed(_, (Departure.FlowClosed | Departure.Withdrawn)) -> false

    let private oldNeverWins =
        Law.holds "a REGISTER that is older never wins over one of the same Call-ID" Scripts.all
        <| fun script ->
            accepted script
            |> List.forall (fun (_, request, _, changes) -> List.forall (isNewer request) changes)

    let private account before changes =
        (before, changes)
        ||> List.fold (fun bindings change ->
            match change with
            | Change.Added added -> added :: bindings
            | Change.Refreshed(before, after) -> after :: List.except [ before ] bindings
            | Change.Removed(removed, _) -> List.except [ removed ] bindings)

    let private changesTell =
        Law.holds "the changes tell all that changed, each binding once" Scripts.all
        <| fun script ->
            Scripts.tell script
            |> List.forall (fun moment ->
                match moment.Outcome with
                | Outcome.Refused _ -> true
                | Outcome.Registered(bindings, changes) ->
                    let before = Bindings.toList moment.Before
                    let told = account before changes

                    let touched =
                        changes
                        |> List.collect (fun change ->
                            match change with
                            | Change.Added binding
                            | Change.Removed(binding, _) -> [ binding ]
                            | Change.Refreshed(before, after) -> [ before; after ])

                    List.sort told = List.sort (Bindings.toList bindings)
                    && List.distinct touched = touched)

    let private boundOnce =
        Law.holds "no contact is bound twice" Scripts.all
        <| fun script ->
            Scripts.tell script
            |> List.forall (fun moment ->
                let all = Bindings.toList (Scripts.after moment) |> List.map Binding.identity

                all
                |> List.forall (fun one ->
                    (all |> List.filter (Binding.sameIdentity one)).Length = 1))

    let private neverMore =
        Law.holds "an address of record never has more bindings than the limit" Scripts.all
        <| fun script ->
            Scripts.tell script
            |> List.forall (fun moment ->
                let count = List.length (Bindings.toList (Scripts.after moment))
                count <= script.Policy.MaxContacts)

    let private fetch =
        Law.holds "a fetch changes nothing but what time has changed" Scripts.all
        <| fun script ->
            Scripts.registers script
            |> List.forall (fun (moment, request) ->
                let query = { request with Contacts = ValueNone }
                let after = moment.Now.After 30000L<ms>
                let expected = Bindings.expire after moment.Before
                Register.step script.Policy after query moment.Before = Outcome.Registered expected)

    let private isRepeatable (request: Request) =
        let offers = offered request |> List.choose (Offer.tryOf >> ValueOption.toOption)
        let addresses = offers |> List.map (fun offer -> Identity.Address offer.Contact.Uri)

        addresses
        |> List.forall (fun one -> (addresses |> List.filter (Binding.sameIdentity one)).Length = 1)
        && (offers |> List.distinctBy _.Identity).Length = offers.Length

    let private repetition =
        Law.holds "a REGISTER that comes twice changes nothing the second time" Scripts.all
        <| fun script ->
            accepted script
            |> List.filter (fun (_, request, _, _) -> isRepeatable request)
            |> List.forall (fun (moment, request, bindings, _) ->
                let again = Register.step script.Policy moment.Now request bindings
                again = Outcome.Registered(bindings, []))

    let private plain (contact: NameAddr) =
        { contact with
            Parameters = Parameters.remove "expires" contact.Parameters
        }

    let private hasExpires (policy: Policy) (contact: NameAddr) =
        match Parameters.value "expires" contact.Parameters with
        | ValueSome seconds -> int64 seconds >= 1L && int64 seconds <= int64 policy.MaxExpires
        | ValueNone -> false

    let private echoed =
        Law.holds "the answer has every binding as it was written, with its expires" Scripts.all
        <| fun script ->
            accepted script
            |> List.forall (fun (moment, request, bindings, _) ->
                let answer = Register.contacts moment.Now request bindings
                let live = Bindings.current moment.Now bindings |> List.map (fun b -> b.Contact)

                let written contacts =
                    contacts |> List.map (plain >> NameAddr.print) |> List.sort

                written answer = written live && List.forall (hasExpires script.Policy) answer)

    let private ownLast =
        Law.holds "the contact that was asked for last stands last in the answer" Scripts.all
        <| fun script ->
            accepted script
            |> List.forall (fun (moment, request, bindings, changes) ->
                let come =
                    changes
                    |> List.choose (fun change ->
                        match change with
                        | Change.Added binding
                        | Change.Refreshed(_, binding) -> Some binding
                        | Change.Removed _ -> None)

                match List.tryLast come, Register.contacts moment.Now request bindings with
                | None, _ -> true
                | Some last, answer -> List.tryLast answer = Some(Binding.contact moment.Now last))

    let private wasMet (scripts: Script array) =
        scripts
        |> Seq.collect Scripts.tell
        |> Seq.collect (fun moment ->
            match moment.Outcome with
            | Outcome.Refused refusal -> [ Refusal.reason refusal ]
            | Outcome.Registered(_, changes) ->
                changes
                |> List.map (fun change ->
                    match change with
                    | Change.Added _ -> "added"
                    | Change.Refreshed _ -> "refreshed"
                    | Change.Removed(_, departure) -> string departure))
        |> Seq.countBy id
        |> Map.ofSeq

    // The generator's own law: a search that never meets a case says nothing about it.
    let private meetsAll =
        testCase "the search meets every refusal and every departure a REGISTER has"
        <| fun () ->
            let met = wasMet (Gen.sampleWithSeed (Rnd 1UL) 50 300 Scripts.all.Generator)

            let cases =
                [
                    Refusal.StarWithoutZero
                    Refusal.Crowded
                    Refusal.MalformedQuality
                    Refusal.SeveralOnOneFlow
                    Refusal.Insecure
                    Refusal.LacksOutbound
                    Refusal.TooBrief 60L<s>
                    Refusal.OutOfOrder
                    Refusal.Full
                ]
                |> List.map Refusal.reason

            let departures =
                [
                    Departure.Expired
                    Departure.Unregistered
                    Departure.Replaced
                    Departure.Evicted
                    Departure.FlowClosed
                ]
                |> List.map string

            for case in "added" :: "refreshed" :: cases @ departures do
                Expect.isGreaterThan (Map.tryFind case met |> Option.defaultValue 0) 4 case

    /// All of them.
    let all: Test =
        testList
            "Register"
            [
                meetsAll
                readAloud
                allOrNothing
                oldNeverWins
                changesTell
                boundOnce
                neverMore
                fetch
                repetition
                echoed
                ownLast
            ]
