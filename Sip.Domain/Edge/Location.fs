// Location: who is registered where (RFC 3261 §10, §16.5 "location service"): the bindings of every
// address of record, and the places that a request for one may go to.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing

/// The way of one binding.
[<RequireQualifiedAccess>]
module Placing =

    // §19.1.1, table 1: a Request-URI carries neither headers nor a method.
    let private asRequestUri (uri: SipUri) =
        Uri.Sip
            { uri with
                Headers = []
                Parameters = Parameters.remove "method" uri.Parameters
            }

    let private uriOf (route: string) : SipUri voption =
        let bytes = Text.toBytes route

        match AddressView.read (ReadOnlySpan bytes) (Slice.between 0 bytes.Length) with
        | ValueSome view ->
            match UriView.toUri (ReadOnlySpan bytes) view.Uri with
            | ValueSome(Uri.Sip uri) -> ValueSome uri
            | ValueSome _
            | ValueNone -> ValueNone
        | ValueNone -> ValueNone

    // RFC 3327 §5.3: the Path is the way, and its first hop a neighbour that is configured.
    let private byPath (realm: Realm) (path: string list) : Hop voption =
        match List.tryHead path |> ValueOption.ofOption |> ValueOption.bind uriOf with
        | ValueNone -> ValueNone
        | ValueSome uri ->
            match Hop.ofUri uri with
            | ValueSome hop when Realm.leadsToPeer realm hop -> ValueSome hop
            | ValueSome _
            | ValueNone -> ValueNone

    // §16.6 step 6: where the Path begins with a strict router, that is asked and the contact is last.
    let private along (contact: Uri) (path: string list) : struct (string * string list) =
        match path with
        | first :: rest ->
            match uriOf first with
            | ValueSome uri when not (Parameters.has "lr" uri.Parameters) ->
                let last = NameAddr.print (NameAddr.ofUri contact)
                struct (Uri.printSip uri, rest @ [ last ])
            | ValueSome _
            | ValueNone -> struct (Uri.print contact, path)
        | [] -> struct (Uri.print contact, path)

    /// Where a binding leads: down the flow that it was registered by while that lives, else by its
    /// Path to a peer; nowhere if neither.
    let ofBinding (realm: Realm) (isLive: Flow -> bool) (binding: Binding) : Place voption =
        let hop =
            if isLive binding.Flow then
                ValueSome(Hop.Flow binding.Flow)
            else
                byPath realm binding.Path

        match binding.Contact.Uri, hop with
        | Uri.Sip uri, ValueSome hop ->
            let struct (heading, path) = along (asRequestUri uri) binding.Path

            ValueSome
                {
                    Hop = hop
                    Heading = Heading.Written(ReadOnlyMemory(Text.toBytes heading))
                    Path = ReadOnlyMemory(Text.toBytes (String.Join(", ", path)))
                }
        | Uri.Sip _, ValueNone
        | (Uri.Tel _ | Uri.Other _), _ -> ValueNone

/// The location table of one ledger.
[<Sealed>]
type internal Location(realm: Realm, isLive: Flow -> bool, agenda: Agenda) =
    let bindings = Dictionary<string, Bindings>()
    let onFlow = Touching()

    let flowsOf (found: Bindings) =
        Bindings.toList found
        |> List.map _.Flow
        |> List.filter Flow.isConnection
        |> List.distinct

    /// The bindings of an address of record.
    member _.Of(aor: string) : Bindings =
        match bindings.TryGetValue aor with
        | true, found -> found
        | false, _ -> Bindings.empty

    /// Keeps them until the first of them runs out.
    member this.Store(aor: string, after: Bindings) : unit =
        for flow in flowsOf (this.Of aor) do
            onFlow.Remove(flow, aor)

        for flow in flowsOf after do
            onFlow.Add(flow, aor)

        if Bindings.isEmpty after then
            bindings.Remove aor |> ignore
            agenda.Forget(Due.Bindings aor)
        else
            bindings[aor] <- after
            agenda.Remind(Bindings.wake after, Due.Bindings aor)

    /// The addresses of record with a binding that came by this flow.
    member _.On(flow: Flow) : string list = onFlow.On flow

    /// Where a request for an address of record may go, in groups of equal preference.
    member this.Places(now: Instant, aor: Aor) : Place list list =
        let first (target: Sip.Registrar.Target) =
            target.First :: target.Spare
            |> List.tryPick (fun binding ->
                Placing.ofBinding realm isLive binding |> ValueOption.toOption)

        Bindings.lookup now (this.Of aor.Key)
        |> List.map (List.choose first)
        |> List.filter (fun group -> not group.IsEmpty)

    /// Who is registered, and with how many contacts.
    member _.Online(now: Instant) : KeyValuePair<string, int>[] =
        [|
            for KeyValue(aor, found) in bindings do
                KeyValuePair(aor, List.length (Bindings.current now found))
        |]
