// Bindings: everything that is bound to one address of record, in the order in which it was last
// registered; what is live, what ends when, and whom to try first (RFC 3261 §16.6, RFC 5626 §7).

namespace Sip.Registrar

open Sip

/// The bindings of one address of record, the most recently registered one last.
type Bindings = private Ordered of Binding list

/// A user agent to try, and its other flows for when the first one fails with 408 or 430.
type Target = { First: Binding; Spare: Binding list }

/// Asking and shrinking the bindings of an address of record.
[<RequireQualifiedAccess>]
module Bindings =

    /// No bindings.
    let empty: Bindings = Ordered []

    /// The bindings in this order, as a store kept them.
    let ofList (bindings: Binding list) : Bindings = Ordered bindings

    /// Every binding, whether or not it has run out, the most recently registered one last.
    let toList (Ordered bindings) : Binding list = bindings

    /// Whether nothing is bound, so that nothing need be kept.
    let isEmpty (Ordered bindings) : bool = List.isEmpty bindings

    /// The live bindings, the most recently registered one last.
    let current (now: Instant) (Ordered bindings) : Binding list =
        List.filter (Binding.isLive now) bindings

    /// When the next binding ends; never, if there is none.
    let wake (Ordered bindings) : Instant =
        bindings
        |> List.fold (fun soonest b -> Instant.Earlier(soonest, b.Expires)) Instant.Never

    let private part (departure: Departure) (leaves: Binding -> bool) (Ordered bindings) =
        let gone, kept = List.partition leaves bindings
        Ordered kept, gone |> List.map (fun b -> Change.Removed(b, departure))

    /// The bindings that are still live, and the ones that are not.
    let expire (now: Instant) (bindings: Bindings) : Bindings * Change list =
        part Departure.Expired (fun b -> not (Binding.isLive now b)) bindings

    /// The bindings without those that lived on a flow (RFC 5626 §7). A binding with a Path stays:
    /// its way is the Path, whatever becomes of the connection that its REGISTER came by.
    let dropFlow (flow: Flow) (bindings: Bindings) : Bindings * Change list =
        part Departure.FlowClosed (fun b -> b.Flow = flow && Binding.isDirect b) bindings

    /// The bindings without this one, for a departure that no REGISTER asked for.
    let drop
        (departure: Departure)
        (binding: Binding)
        (bindings: Bindings)
        : Bindings * Change list =
        part departure (fun b -> b = binding) bindings

    // RFC 5626 §7: never two contacts of one instance at a time; the others wait as spares.
    let private gather (targets: Target list) (binding: Binding) =
        let isSame (target: Target) =
            binding.Instance.IsSome && target.First.Instance = binding.Instance

        if List.exists isSame targets then
            targets
            |> List.map (fun target ->
                if isSame target then
                    { target with
                        Spare = target.Spare @ [ binding ]
                    }
                else
                    target)
        else
            targets @ [ { First = binding; Spare = [] } ]

    /// Whom to try: groups of equal `q`, the preferred group first, the newest first in each.
    let lookup (now: Instant) (bindings: Bindings) : Target list list =
        current now bindings
        |> List.rev
        |> List.sortBy (fun b -> -b.Quality)
        |> List.fold gather []
        |> List.groupBy _.First.Quality
        |> List.map snd
