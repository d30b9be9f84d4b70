// NonceLaws: what is true of nonces, ours and those that somebody made up.

module Sip.Properties.NonceLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Identity

/// A nonce and the circumstances it was minted in.
type private Mint =
    {
        At: int64
        Realm: string
        Bound: string
        Seed: string
    }

let private mints =
    let made =
        gen {
            let! at = Gen.choose (0, Int32.MaxValue)
            let! realm = IdentityCases.wireText
            let! bound = IdentityCases.wireText
            let! seed = IdentityCases.wireText

            return
                {
                    At = int64 at
                    Realm = realm
                    Bound = bound
                    Seed = seed
                }
        }

    let shorter mint =
        seq {
            for text in IdentityCases.shrinkText mint.Realm do
                { mint with Realm = text }

            for text in IdentityCases.shrinkText mint.Bound do
                { mint with Bound = text }
        }

    Arb.fromGenShrink (made, shorter)

let private at (milliseconds: int64) = Instant.FromMilliseconds milliseconds

let private binding mint : NonceBinding =
    {
        Realm = mint.Realm
        Bound = mint.Bound
    }

let private minted mint =
    Nonce.mint IdentityCases.keys.Current (at mint.At) (binding mint) mint.Seed

let private judged keys (now: int64) mint text =
    Nonce.judge keys (at now) Nonce.lifetime (binding mint) text

let private judge = judged IdentityCases.keys
let private span = int64 Nonce.lifetime

let private isFresh (age: NonceAge) =
    match age with
    | NonceAge.Fresh _ -> true
    | NonceAge.Stale
    | NonceAge.Forged -> false

/// What is done to a nonce on its way.
type private Tampering =
    | Flip of Place: int * Bit: int
    | Put of Place: int * Character: char
    | Truncate of Length: int
    | Extend of Text: string
    | Insert of Place: int * Text: string

let private tamperings =
    let place = Gen.choose (0, Nonce.length - 1)
    let some = IdentityCases.wireText |> Gen.filter (fun text -> text <> "")

    Gen.oneof
        [
            Gen.map2 (fun place bit -> Flip(place, bit)) place (Gen.choose (0, 15))
            Gen.map2 (fun place character -> Put(place, character)) place IdentityCases.octet
            Gen.map Truncate place
            Gen.map Extend (Gen.oneof [ some; Gen.elements [ "="; "=="; " "; "\n"; "A"; "AAAA" ] ])
            Gen.map2 (fun place text -> Insert(place, text)) place some
        ]

let private tamper (nonce: string) tampering =
    let put (place: int) (character: char) =
        nonce.Remove(place, 1).Insert(place, string character)

    match tampering with
    | Flip(place, bit) -> put place (char (int nonce[place] ^^^ (1 <<< bit)))
    | Put(place, character) -> put place character
    | Truncate length -> nonce.Substring(0, length)
    | Extend text -> nonce + text
    | Insert(place, text) -> nonce.Insert(place, text)

let private tampered = Arb.fromGen (Gen.zip mints.Generator tamperings)

let all =
    testList
        "Nonces"
        [
            Law.holds "a nonce is fresh for its lifetime and then stale" mints
            <| fun mint ->
                let nonce = minted mint

                nonce.Length = Nonce.length
                && isFresh (judge mint.At mint nonce)
                && isFresh (judge (mint.At + span - 1L) mint nonce)
                && judge (mint.At + span) mint nonce = NonceAge.Stale

            Law.holds "a fresh nonce tells when it was minted and when to forget it" mints
            <| fun mint ->
                match judge (mint.At + 1L) mint (minted mint) with
                | NonceAge.Fresh minted ->
                    minted.At = at mint.At
                    && Nonce.forget Nonce.lifetime minted = at (mint.At + span)
                | NonceAge.Stale
                | NonceAge.Forged -> false

            Law.holds "a nonce from the future is forged" mints
            <| fun mint -> judge (mint.At - 1L) mint (minted mint) = NonceAge.Forged

            Law.holds "a forged, flipped, truncated or extended nonce is never fresh" tampered
            <| fun (mint, tampering) ->
                let nonce = minted mint
                let altered = tamper nonce tampering
                altered = nonce || judge mint.At mint altered = NonceAge.Forged

            Law.holds "any text at all is judged and never fresh" IdentityCases.hostile
            <| fun text ->
                let mint =
                    {
                        At = 0L
                        Realm = ""
                        Bound = ""
                        Seed = ""
                    }

                judge 0L mint text = NonceAge.Forged

            Law.holds "a nonce of another realm or another flow is forged" mints
            <| fun mint ->
                let nonce = minted mint
                let elsewhere = judge mint.At { mint with Realm = mint.Realm + "x" } nonce
                let other = judge mint.At { mint with Bound = "x" + mint.Bound } nonce
                // The same characters, parted otherwise between realm and flow.
                let shifted =
                    judge
                        mint.At
                        { mint with
                            Realm = mint.Realm + mint.Bound
                            Bound = ""
                        }
                        nonce

                elsewhere = NonceAge.Forged
                && other = NonceAge.Forged
                && (mint.Bound = "" || shifted = NonceAge.Forged)

            Law.holds "a nonce outlives one change of keys and not two" mints
            <| fun mint ->
                let nonce = minted mint
                let second = IdentityCases.key 2uy 2

                let once =
                    {
                        Current = second
                        Previous = ValueSome IdentityCases.keys.Current
                    }

                let twice =
                    {
                        Current = IdentityCases.key 3uy 3
                        Previous = ValueSome second
                    }

                isFresh (judged once mint.At mint nonce)
                && judged twice mint.At mint nonce = NonceAge.Forged

            Law.holds "another key of the same id signs nothing of ours" mints
            <| fun mint ->
                let others =
                    {
                        Current = IdentityCases.key 1uy 99
                        Previous = ValueNone
                    }

                judged others mint.At mint (minted mint) = NonceAge.Forged

            Law.holds "a nonce is fresh for the shard that minted it and stale for any other" mints
            <| fun mint ->
                let keys (shard: byte) =
                    {
                        Current =
                            (NonceKey.TryOf(
                                1uy,
                                ReadOnlySpan(Array.create NonceKey.Size 7uy),
                                shard
                            ))
                                .Value
                        Previous = ValueNone
                    }

                let nonce = Nonce.mint (keys 3uy).Current (at mint.At) (binding mint) mint.Seed

                isFresh (judged (keys 3uy) mint.At mint nonce)
                && judged (keys 4uy) mint.At mint nonce = NonceAge.Stale

            Law.holds "two seeds of one millisecond are two nonces" mints
            <| fun mint -> minted mint <> minted { mint with Seed = mint.Seed + "x" }
        ]
