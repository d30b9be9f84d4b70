// Succession: who stands for a flow that its user agent has left. A client that comes back on another flow
// registers as the instance that it was; its peers still name the old flow in their dialogs, by our alias and
// by our token, and reach it by the instance (RFC 5626 §4.2.1, RFC 5627 §3.1). Nobody else ever does.

namespace Sip.Edge

open System.Collections.Generic
open Sip

/// Whose flow it was.
[<RequireQualifiedAccess; Struct>]
type internal Heir =
    /// One instance of one user.
    | Instance of Aor: string * Instance: string
    /// Several agents', or of one without a name: nobody can say who meant whom.
    | Unknown

/// The flows that were left lately.
[<Sealed>]
type internal Succession(patience: int64<ms>, capacity: int) =
    let heirs = Dictionary<Flow, Heir>(Flow.comparer)
    let order = Queue<struct (Instant * Flow)>()

    // The same flow may stand in the order twice, should it have been taken up again.
    let rec forget (now: Instant) =
        if order.Count > 0 then
            let struct (until, flow) = order.Peek()

            if until.IsDue now || order.Count > capacity then
                order.Dequeue() |> ignore
                heirs.Remove flow |> ignore
                forget now

    /// Somebody has left a flow.
    member _.Leave(now: Instant, flow: Flow, heir: Heir) : unit =
        match heirs.TryGetValue flow, heir with
        | (true, Heir.Unknown), _ -> ()
        | (true, Heir.Instance(_, before)), Heir.Instance(_, after) when before = after -> ()
        | (true, Heir.Instance _), _ -> heirs[flow] <- Heir.Unknown
        | (false, _), _ ->
            heirs[flow] <- heir
            order.Enqueue(struct (now.After patience, flow))
            forget now

    /// Somebody has taken it up again.
    member _.Return(flow: Flow) : unit = heirs.Remove flow |> ignore

    /// Whether no flow was left.
    member _.IsEmpty: bool = heirs.Count = 0

    /// Whose flow it was, if it was left.
    member _.Find(flow: Flow) : Heir voption =
        match heirs.TryGetValue flow with
        | true, heir -> ValueSome heir
        | false, _ -> ValueNone
