// Exchanges: the table of the requests that are on their way, found by their own key, by the branch
// that a response answers, and by the flows that they hang on. A new value is kept only after its
// step has returned.

namespace Sip.Edge

open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing

/// The exchanges of one ledger.
[<Sealed>]
type internal Exchanges(around: Instant -> Surroundings, agenda: Agenda, outbox: Outbox) =
    let exchanges = Dictionary<string, Exchange>()
    let legs = Dictionary<string, struct (string * int)>()
    let sources = Touching()
    let targets = Touching()

    let flowOf (leg: Leg) =
        match leg.Hop with
        | Hop.Flow flow when Flow.isConnection flow -> ValueSome flow
        | Hop.Flow _
        | Hop.Dial _ -> ValueNone

    let find (key: string) =
        match exchanges.TryGetValue key with
        | true, found -> ValueSome found
        | false, _ -> ValueNone

    let forget (exchange: Exchange) =
        exchanges.Remove exchange.Key |> ignore
        agenda.Forget(Due.Exchange exchange.Key)
        sources.Remove(exchange.Source, exchange.Key)

        for leg in exchange.Legs.Values do
            legs.Remove(Key.client leg.Sent) |> ignore
            legs.Remove(Key.cancel leg.Sent) |> ignore
            flowOf leg |> ValueOption.iter (fun flow -> targets.Remove(flow, exchange.Key))

    let keep (exchange: Exchange) =
        let before =
            match find exchange.Key with
            | ValueSome before -> before.Legs.Count
            | ValueNone ->
                sources.Add(exchange.Source, exchange.Key)
                0

        // Legs are only ever added.
        if exchange.Legs.Count > before then
            for leg in exchange.Legs.Values do
                flowOf leg |> ValueOption.iter (fun flow -> targets.Add(flow, exchange.Key))

        exchanges[exchange.Key] <- exchange
        agenda.Remind(Exchange.wake exchange, Due.Exchange exchange.Key)

    let carryOut (step: ExchangeStep) =
        let exchange = step.Exchange

        for act in step.Acts do
            match act with
            | ExchangeAct.Send(hop, bytes) -> outbox.Send(hop, bytes)
            | ExchangeAct.Expect(key, leg) -> legs[key] <- struct (exchange.Key, leg)

        if Exchange.isOver exchange then
            forget exchange
        else
            keep exchange

    /// The exchange of a request.
    member _.Find(key: string) : Exchange voption = find key

    /// The exchange and the leg that a branch belongs to.
    member _.Leg(key: string) : struct (Exchange * int) voption =
        match legs.TryGetValue key with
        | true, struct (key, leg) -> find key |> ValueOption.map (fun one -> struct (one, leg))
        | false, _ -> ValueNone

    /// Sends a request on its way.
    member _.Begin(now, key, source, request, way, places) : unit =
        carryOut (Proxying.start (around now) key source request way places)

    /// Something has happened to an exchange.
    member _.Step(now, event, exchange) : unit =
        carryOut (Proxying.step (around now) event exchange)

    /// Forgets an exchange, whatever is still to come of it.
    member _.Forget(exchange: Exchange) : unit = forget exchange

    /// The exchanges that came by a flow.
    member _.From(flow: Flow) : string list = sources.On flow

    /// The exchanges with a leg on a connection.
    member _.To(flow: Flow) : string list = targets.On flow

    /// How many a flow has under way.
    member _.Share(flow: Flow) : int<exchange> = sources.Count flow * 1<exchange>

    /// How many are under way.
    member _.Total: int<exchange> = exchanges.Count * 1<exchange>

    /// How many wait for a final response.
    member _.Pending: int = exchanges.Values |> Seq.filter Exchange.isPending |> Seq.length

    /// How many entries the tables hold.
    member _.Held: int = exchanges.Count + legs.Count + sources.Flows + targets.Flows
