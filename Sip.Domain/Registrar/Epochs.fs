// Epochs: since when a user agent instance has been registered without a break, and under which Call-ID.
// Temporary GRUUs are good for one epoch: another Call-ID, or no contact left, ends it and all of them
// (RFC 5627 §5.1, §5.3). Its first CSeq is what RFC 5628 tells the user as `first-cseq`.

namespace Sip.Registrar

open Sip

/// The REGISTER that began an instance's unbroken registration.
type Epoch =
    {
        CallId: string
        First: uint32
        Since: Instant
    }

/// The epochs of the instances of one address of record.
type Epochs = private Of of Map<string, Epoch>

/// Keeping epochs in step with the bindings.
[<RequireQualifiedAccess>]
module Epochs =

    /// No instance is registered.
    let empty: Epochs = Of Map.empty

    /// The epoch of an instance that is registered.
    let tryFind (instance: string) (Of epochs) : Epoch voption =
        match Map.tryFind instance epochs with
        | Some epoch -> ValueSome epoch
        | None -> ValueNone

    // Whoever registers the same contact for another instance, or for none, takes it away from this.
    let private lost (change: Change) : Binding option =
        match change with
        | Change.Removed(binding, _) -> Some binding
        | Change.Refreshed(before, _) -> Some before
        | Change.Added _ -> None

    // What has ended has left nothing in its place; what was replaced or refreshed goes on.
    let private ended (change: Change) : Binding option =
        match change with
        | Change.Removed(binding, (Departure.Expired | Departure.Unregistered | Departure.Evicted))
        | Change.Removed(binding, (Departure.FlowClosed | Departure.Withdrawn)) -> Some binding
        | Change.Removed(_, Departure.Replaced)
        | Change.Added _
        | Change.Refreshed _ -> None

    let private came (change: Change) : Binding option =
        match change with
        | Change.Added binding
        | Change.Refreshed(_, binding) -> Some binding
        | Change.Removed _ -> None

    // RFC 5627 §5.1: "any existing contacts registered to the same AOR, instance ID, and if the
    // contact in the REGISTER request is registering a flow, reg-id".
    let private isAlike (fresh: Binding) (old: Binding) =
        old.Instance = fresh.Instance && (fresh.RegId.IsNone || old.RegId = fresh.RegId)

    // "the most recently registered, and examines the Call-ID value associated with that"
    let private breaksWith (stayed: Binding list) (fresh: Binding) =
        match List.tryFindBack (isAlike fresh) stayed with
        | Some last -> last.CallId <> fresh.CallId
        | None -> not (List.exists (fun (b: Binding) -> b.Instance = fresh.Instance) stayed)

    let private beginAnew (now: Instant) stayed epochs (fresh: Binding) =
        match fresh.Instance with
        | ValueSome instance when breaksWith stayed fresh || not (Map.containsKey instance epochs) ->
            let epoch =
                {
                    CallId = fresh.CallId
                    First = fresh.CSeq
                    Since = now
                }

            Map.add instance epoch epochs
        | ValueSome _
        | ValueNone -> epochs

    let private instances (bindings: Binding list) =
        bindings |> List.choose (fun b -> ValueOption.toOption b.Instance) |> Set.ofList

    let private without (gone: Binding list) (bindings: Binding list) =
        bindings |> List.filter (fun b -> not (List.contains b gone))

    let private followed (now: Instant) (before: Bindings) (changes: Change list) fresh epochs =
        let stayed = Bindings.toList before |> without (List.choose ended changes)
        let kept = Bindings.toList before |> without (List.choose lost changes)
        let bound = instances (kept @ fresh)
        let known = instances stayed

        epochs
        |> Map.filter (fun instance _ -> Set.contains instance known)
        |> fun going -> List.fold (beginAnew now stayed) going fresh
        |> Map.filter (fun instance _ -> Set.contains instance bound)
        |> Of

    /// The epochs after these changes to what was bound before them.
    let follow
        (now: Instant)
        (before: Bindings)
        (changes: Change list)
        (Of epochs: Epochs)
        : Epochs =
        let fresh = List.choose came changes

        if Map.isEmpty epochs && List.forall (fun (b: Binding) -> b.Instance.IsNone) fresh then
            empty
        else
            followed now before changes fresh epochs

    /// The epochs of bindings that a store kept without them: all of them begin now.
    let ofBindings (now: Instant) (bindings: Bindings) : Epochs =
        Bindings.toList bindings |> List.fold (beginAnew now []) Map.empty |> Of
