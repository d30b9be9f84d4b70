// FlowText: what is written about a flow, spelt once and kept: the stamp of a Via (RFC 3261 §18.2.1, RFC
// 3581 §4) and its token, which is the alias of a Contact and stands in our Record-Route (RFC 5626 §5.3).
// HOT: with the text kept, neither is computed for a message.

namespace Sip.Routing

open System
open System.Collections.Generic
open Sip

/// Whose flow it is.
[<RequireQualifiedAccess; Struct>]
type Standing =
    | Client
    /// A peer names itself, and its name is believed.
    | Peer

/// A flow and what is written about it.
type FlowText =
    {
        Flow: Flow
        /// The hop that leads back on it.
        Hop: Hop
        /// Where a request goes that names it by our alias, as the only place.
        Along: Place list list
        /// `;received=<address>;rport=<port>`
        Stamp: byte[]
        Standing: Standing
        /// Whether its peer takes part in overload control, as far as has been heard; a client never does.
        Participation: Participation
        /// Our sealed name for it: its flow token.
        Alias: byte[]
        /// The token by which our Record-Route names it; empty where it is named by its alias alone.
        Token: byte[]
    }

/// What a token or an alias turned out to be.
[<RequireQualifiedAccess; Struct>]
type Followed =
    /// We sealed it in this run, for a flow that may or may not live any more.
    | Leads of Text: FlowText
    | Elsewhere of Node: uint32
    /// We sealed it in an earlier run, whose connections are gone.
    | Dead
    /// Not ours: made up or damaged.
    | Forged

/// The texts of the flows that are in use, and the aliases among them that were verified or minted.
/// A memory of pure functions: it may forget at any time, and no answer changes. One thread at a time.
[<Sealed>]
type FlowTexts(realm: Realm, capacity: int) =

    let byFlow = Dictionary<Flow, FlowText>(Flow.comparer)
    let byAlias = Dictionary<Mark, FlowText>()
    // What the names of the registrar behind us resolved to.
    let trusted = HashSet<Address>()
    let key = Seal.key realm.Secret "known alias"
    let mint = Mint.ofRealm realm

    let spell (flow: Flow) : FlowText =
        let hop = Hop.Flow flow

        // RFC 5118 §4.5: no brackets around an IPv6 address in received.
        let stamp =
            String.Concat(
                String.Concat(";received=", Address.print flow.Remote.Address),
                ";rport=",
                string flow.Remote.Port
            )

        let alias = Text.toBytes (Alias.mint mint flow)

        let standing =
            if Realm.isPeer realm flow || trusted.Contains flow.Remote.Address then
                Standing.Peer
            else
                Standing.Client

        {
            Flow = flow
            Hop = hop
            Along = [ [ Place.along hop Heading.Unaliased ] ]
            Stamp = Text.toBytes stamp
            Standing = standing
            Participation = Participation.Abstains
            Alias = alias
            Token =
                match standing with
                | Standing.Client when Flow.isConnection flow -> alias
                | Standing.Client
                | Standing.Peer -> [||]
        }

    let remember (text: FlowText) =
        if byFlow.Count >= capacity then
            byFlow.Clear()
            byAlias.Clear()

        byFlow[text.Flow] <- text
        byAlias[Prf.hash key (ReadOnlySpan text.Alias)] <- text
        text

    /// What is written about a flow.
    member _.Of(flow: Flow) : FlowText =
        match byFlow.TryGetValue flow with
        | true, text -> text
        | false, _ -> remember (spell flow)

    /// The flow that an alias or a token was minted for. What is kept was minted here or has shown its seal, and is
    /// found by a keyed hash of the whole alias: nothing but that very alias gets as far as being
    /// compared, so that the time tells nothing. Any other is judged by its seal.
    member _.Follow(alias: ReadOnlySpan<byte>) : Followed =
        match byAlias.TryGetValue(Prf.hash key alias) with
        | true, text when alias.SequenceEqual(ReadOnlySpan text.Alias) -> Followed.Leads text
        | true, _
        | false, _ ->
            match FlowToken.trace mint (Instant.FromMilliseconds 0L) (Text.ofBytes alias) with
            | Traced.Leads flow -> Followed.Leads(remember (spell flow))
            | Traced.Elsewhere node -> Followed.Elsewhere node
            | Traced.Dead -> Followed.Dead
            | Traced.Forged -> Followed.Forged

    /// What is written about a flow by which this was heard.
    member _.With(text: FlowText, participation: Participation) : FlowText =
        if text.Participation = participation then
            text
        else
            remember
                { text with
                    Participation = participation
                }

    /// Whoever is at this address is a peer from now on.
    member _.Trust(address: Address) : unit =
        if trusted.Add address then
            byFlow.Clear()
            byAlias.Clear()

    /// Whether somebody at this address became a peer.
    member _.Trusts(address: Address) : bool = trusted.Contains address

    /// Forgets a flow that is gone.
    member _.Forget(flow: Flow) =
        match byFlow.TryGetValue flow with
        | true, text ->
            byFlow.Remove flow |> ignore
            byAlias.Remove(Prf.hash key (ReadOnlySpan text.Alias)) |> ignore
        | false, _ -> ()
