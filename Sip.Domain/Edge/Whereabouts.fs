// Whereabouts: what is bound to one address of record, where that leads while nothing changes, and which of its clients
// are kept alive.

namespace Sip.Edge

open System
open Sip
open Sip.Registrar
open Sip.Routing

/// Everything that is bound to one address of record, and where that leads while nothing changes.
[<Sealed>]
type internal Whereabouts(aor: string) =
    inherit Reminder()
    let mutable bindings = Bindings.empty
    let mutable epochs = Epochs.empty
    let mutable places: Place list list = []
    // The places are good before this time, and while the flows live or do not as they did.
    let mutable until = Instant.FromMilliseconds Int64.MinValue
    let mutable lived: struct (Flow * bool)[] = [||]

    // The datagram clients behind a translator that are kept alive, and when each gets its next sign.
    let mutable signs: struct (Flow * Instant) list = []

    override _.What = Due.Bindings aor

    /// What is bound.
    member _.Bindings = bindings

    /// Since when its instances are.
    member _.Epochs = epochs

    /// These changes have led to that.
    member _.Become(now: Instant, after: Bindings, changes: Change list) : unit =
        epochs <- Epochs.follow now bindings changes epochs
        bindings <- after
        until <- Instant.FromMilliseconds Int64.MinValue

        signs <-
            signs
            |> List.filter (fun (struct (flow, _)) ->
                Bindings.toList after |> List.exists (fun binding -> binding.Flow = flow))

    /// When something is to be done about them.
    member _.Wake: Instant =
        signs
        |> List.fold
            (fun soonest (struct (_, at)) -> Instant.Earlier(soonest, at))
            (Bindings.wake bindings)

    /// The client of this flow gets signs of life from now on.
    member _.KeepAlive(now: Instant, flow: Flow) : unit =
        if not (List.exists (fun (struct (one, _)) -> one = flow) signs) then
            signs <- struct (flow, KeepAlive.next KeepAlive.interval now flow) :: signs

    /// The clients that get a sign of life now.
    member _.Signs(now: Instant) : Flow list =
        let due =
            signs
            |> List.filter (fun (struct (_, at)) -> at.IsDue now)
            |> List.map (fun (struct (flow, _)) -> flow)

        signs <-
            signs
            |> List.map (fun (struct (flow, at)) ->
                if at.IsDue now then
                    struct (flow, KeepAlive.next KeepAlive.interval now flow)
                else
                    struct (flow, at))

        due

    /// Whether the places that were found last are still right.
    member private _.IsGood(now: Instant, isLive: Flow -> bool) : bool =
        let mutable good = not (until.IsDue now)

        for struct (flow, did) in lived do
            good <- good && isLive flow = did

        good

    /// Where a request may go, in groups of equal preference.
    member this.Places
        (now: Instant, isLive: Flow -> bool, find: Instant -> Bindings -> Place list list)
        =
        if not (this.IsGood(now, isLive)) then
            let current = Bindings.current now bindings
            until <- Bindings.wake (Bindings.ofList current)

            lived <-
                [|
                    for binding in current do
                        struct (binding.Flow, isLive binding.Flow)
                |]

            places <- find now bindings

        places
