// BindingsLaws: what is true of the bindings of an address of record as time passes, flows close
// and callers ask whom to try (RFC 3261 §16.6, RFC 5626 §7).

namespace Sip.Properties.Registrar

open Expecto
open Sip
open Sip.Registrar
open Sip.Properties

/// The laws of Bindings.
[<RequireQualifiedAccess>]
module BindingsLaws =

    let private removed departure bindings =
        bindings |> List.map (fun b -> Change.Removed(b, departure))

    let private lastExpiry =
        Law.holds "after the last expiry nothing is left" Scripts.all
        <| fun script ->
            let _, bindings = Scripts.ending script
            let all = Bindings.toList bindings

            let last =
                all
                |> List.fold (fun last b -> max last b.Expires) (Instant.FromMilliseconds 0L)

            let left, changes = Bindings.expire last bindings

            Bindings.isEmpty left
            && Bindings.wake left = Instant.Never
            && changes = removed Departure.Expired all

    let private wakesInTime =
        Law.holds "before its wake no binding ends, and at its wake one does" Scripts.all
        <| fun script ->
            let _, bindings = Scripts.ending script
            let wake = Bindings.wake bindings
            let before = Instant.FromMilliseconds(wake.Milliseconds - 1L)

            Bindings.expire before bindings = (bindings, [])
            && (Bindings.isEmpty bindings || not (snd (Bindings.expire wake bindings)).IsEmpty)

    let private flowsTake =
        Law.holds "a flow's bindings die with it, and no others" Scripts.all
        <| fun script ->
            let _, bindings = Scripts.ending script

            Scripts.flows
            |> List.forall (fun flow ->
                let left, changes = Bindings.dropFlow flow bindings
                let isOnIt (b: Binding) = b.Flow = flow && b.Path = []
                let gone, kept = List.partition isOnIt (Bindings.toList bindings)
                Bindings.toList left = kept && changes = removed Departure.FlowClosed gone)

    let private members (target: Target) = target.First :: target.Spare

    let private everyoneTried =
        Law.holds "a lookup has every live binding once" Scripts.all
        <| fun script ->
            let now, bindings = Scripts.ending script
            let soon = now.After 61000L<ms>
            let found = Bindings.lookup soon bindings |> List.concat |> List.collect members

            List.sort found = List.sort (Bindings.current soon bindings)

    let private groupsByQuality =
        Law.holds "q orders the groups, and the newest comes first in each" Scripts.all
        <| fun script ->
            let now, bindings = Scripts.ending script

            let age b =
                List.findIndex ((=) b) (List.rev (Bindings.toList bindings))

            let groups = Bindings.lookup now bindings
            let qualities = groups |> List.map (fun group -> group.Head.First.Quality)

            qualities = (qualities |> List.distinct |> List.sortDescending)
            && groups
               |> List.forall (fun group ->
                   let ages = group |> List.map (fun target -> age target.First)

                   ages = List.sort ages
                   && group |> List.forall (fun t -> t.First.Quality = group.Head.First.Quality))

    let private oneAtATime =
        Law.holds "no two targets are the same instance, and spares are worth less" Scripts.all
        <| fun script ->
            let now, bindings = Scripts.ending script
            let targets = Bindings.lookup now bindings |> List.concat
            let instances = targets |> List.map _.First.Instance |> List.filter _.IsSome

            let isSpare (first: Binding) (spare: Binding) =
                spare.Instance.IsSome
                && spare.Instance = first.Instance
                && spare.Quality <= first.Quality

            List.distinct instances = instances
            && targets |> List.forall (fun t -> List.forall (isSpare t.First) t.Spare)

    /// All of them.
    let all: Test =
        testList
            "Bindings"
            [
                lastExpiry
                wakesInTime
                flowsTake
                everyoneTried
                groupsByQuality
                oneAtATime
            ]
