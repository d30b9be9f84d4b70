// Seals: the sorts of tokens that this server seals for itself, genuine ones and whether a text is accepted as one
// (RFC 3261 §22.4, RFC 5626 §5.2).

namespace Sip.Fuzz

open System
open Sip
open Sip.Identity
open Sip.Properties
open Sip.Routing

/// A sort of token: its name, genuine ones, and whether a text is accepted.
type Sort = string * string[] * (string -> bool)

/// Tokens of every sort.
[<RequireQualifiedAccess>]
module Seals =

    let private now = Instant.FromMilliseconds 1_000_000L
    let private mint = Mint.ofRealm Ground.realm
    let private keys = IdentityCases.keys

    let private binding: NonceBinding =
        {
            Realm = "example.test"
            Bound = "flow 7"
        }

    /// So many of each sort, for these flows.
    let sorts (count: int) (flow: int -> Flow) : Sort list =
        let many make = Array.init count make
        let station = Station.ofRealm Ground.realm

        [
            "nonces",
            many (fun i -> Nonce.mint keys.Current now binding (string i)),
            (fun text ->
                match Nonce.judge keys now Nonce.lifetime binding text with
                | NonceAge.Fresh _ -> true
                | NonceAge.Stale
                | NonceAge.Forged -> false)
            "flow tokens",
            many (fun i -> FlowToken.mint mint (now.After 60_000L<ms>) (flow i)),
            (fun text ->
                match FlowToken.trace mint now text with
                | Traced.Forged -> false
                | Traced.Leads _
                | Traced.Dead
                | Traced.Elsewhere _ -> true)
            "aliases",
            many (fun i -> Alias.mint mint (flow i)),
            (fun text -> not (station.Flows.Follow(ReadOnlySpan(Text.toBytes text))).IsForged)
        ]
