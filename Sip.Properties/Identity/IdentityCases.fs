// IdentityCases: names, passwords, credentials and challenges as clients make them, and as nobody
// would; each shrinks to something short.

module Sip.Properties.IdentityCases

open System
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Identity

/// The shorter texts that a failing text is tried as: each with one character left out.
let shrinkText (text: string) : string seq =
    Seq.init text.Length (fun i -> text.Remove(i, 1))

let private textOf (characters: Gen<char>) =
    Gen.listOf characters |> Gen.map (List.toArray >> String)

let private letters = Gen.elements (List.ofSeq "abcXYZ019._-%+")

/// One byte of wire text that is no control character.
let octet =
    Gen.frequency
        [
            6, letters
            2, Gen.elements (List.ofSeq " \"\\,;:=@<>?/'`")
            1, Gen.choose (0x80, 0xFF) |> Gen.map char
        ]

/// Wire text such as a quoted string may stand for.
let wireText = textOf octet

/// A token.
let token =
    Gen.map2 (fun first rest -> string first + rest) letters (textOf letters)

let private tokenBut (known: string list) =
    token |> Gen.filter (fun word -> not (List.exists (Text.sameText word) known))

/// Text as a person types it, for names and passwords.
let typed =
    textOf (
        Gen.frequency
            [
                5, letters
                1, Gen.elements (List.ofSeq " \"\\:@")
                1, Gen.elements (List.ofSeq "äöÄ界я")
            ]
    )

/// A key's secret bytes made from a number.
let secret (number: int) : byte[] =
    Array.init NonceKey.Size (fun i -> byte (number * 31 + i * 7))

/// The key of this id, its secret made from a number.
let key (id: byte) (number: int) : NonceKey =
    (NonceKey.TryOf(id, ReadOnlySpan(secret number))).Value

/// One key and none before it.
let keys: NonceKeys =
    {
        Current = key 1uy 1
        Previous = ValueNone
    }

let private algorithmName =
    Gen.frequency
        [
            4, Gen.elements Algorithm.all |> Gen.map AlgorithmName.Known
            1, tokenBut [ "MD5"; "SHA-256" ] |> Gen.map AlgorithmName.Unheard
        ]

let private qop =
    Gen.frequency
        [
            4, Gen.constant Qop.Auth
            1, Gen.constant Qop.AuthInt
            1, tokenBut [ "auth"; "auth-int" ] |> Gen.map Qop.Unheard
        ]

/// Any nonce count, the small ones more often.
let count =
    Gen.oneof
        [
            Gen.choose (0, 200) |> Gen.map uint32
            Gen.choose (Int32.MinValue, Int32.MaxValue) |> Gen.map uint32
        ]
    |> Gen.map NonceCount.ofNumber

let private optional values =
    Gen.oneof [ Gen.constant ValueNone; Gen.map ValueSome values ]

let private protection =
    Gen.frequency
        [
            1, Gen.constant Protection.NonceOnly
            4,
            Gen.map3
                (fun qop count cnonce -> Protection.Counted(qop, count, cnonce))
                qop
                count
                wireText
        ]

let private shrinkCredentials (c: Credentials) : Credentials seq =
    seq {
        for text in shrinkText c.Username do
            { c with Username = text }

        for text in shrinkText c.Realm do
            { c with Realm = text }

        for text in shrinkText c.Nonce do
            { c with Nonce = text }

        for text in shrinkText c.Uri do
            { c with Uri = text }
    }

/// Credentials of any kind, none of them proving anything.
let credentials: Arbitrary<Credentials> =
    let made =
        gen {
            let! username = wireText
            let! realm = wireText
            let! nonce = wireText
            let! uri = wireText
            let! response = wireText
            let! algorithm = algorithmName
            let! opaque = optional wireText
            let! protection = protection

            return
                {
                    Username = username
                    Realm = realm
                    Nonce = nonce
                    Uri = uri
                    Response = response
                    Algorithm = algorithm
                    Opaque = opaque
                    Protection = protection
                }
        }

    Arb.fromGenShrink (made, shrinkCredentials)

let private shrinkChallenge (c: Challenge) : Challenge seq =
    seq {
        for text in shrinkText c.Realm do
            { c with Realm = text }

        for text in shrinkText c.Nonce do
            { c with Nonce = text }
    }

/// Challenges of any kind.
let challenge: Arbitrary<Challenge> =
    let made =
        gen {
            let! realm = wireText
            let! nonce = wireText
            let! opaque = optional wireText
            let! staleness = Gen.elements [ Staleness.Fresh; Staleness.Stale ]
            let! algorithm = algorithmName
            let! qops = Gen.listOf qop

            return
                {
                    Realm = realm
                    Nonce = nonce
                    Opaque = opaque
                    Staleness = staleness
                    Algorithm = algorithm
                    Qops = qops
                }
        }

    Arb.fromGenShrink (made, shrinkChallenge)

let private anyCharacter =
    Gen.frequency
        [
            3, octet
            1, Gen.choose (0, 0x20) |> Gen.map char
            1, Gen.choose (0, 0xFFFF) |> Gen.map char
        ]

let private damaged =
    gen {
        let! sound = Gen.map Credentials.print credentials.Generator
        let! at = Gen.choose (0, sound.Length - 1)
        let! cut = Gen.choose (0, min 8 (sound.Length - at))
        let! planted = textOf anyCharacter
        return sound.Remove(at, cut).Insert(at, planted)
    }

/// Any text at all, half of it credentials with a piece torn out and another put in.
let hostile: Arbitrary<string> =
    Arb.fromGenShrink (Gen.oneof [ textOf anyCharacter; damaged ], shrinkText)

let private host =
    Gen.oneof
        [
            Gen.choose (0, 999) |> Gen.map (fun n -> "host-" + string n + ".example.com")
            Gen.elements [ "192.0.2.1"; "[2001:db8::1]"; "example.com:5070"; "a.b" ]
        ]

/// A user with a password, asking something by an algorithm at a time.
type Caller =
    {
        User: string
        Password: string
        Realm: string
        Method: string
        Uri: string
        Algorithm: Algorithm
        Count: NonceCount
        Now: Instant
    }

let private shrinkCaller (c: Caller) : Caller seq =
    seq {
        for text in shrinkText c.User do
            { c with User = text }

        for text in shrinkText c.Password do
            { c with Password = text }

        for text in shrinkText c.Realm do
            { c with Realm = text }
    }

/// Callers of every kind, with names in any script.
let caller: Arbitrary<Caller> =
    let made =
        gen {
            let! user = typed
            let! password = typed
            let! realm = typed
            let! method = Gen.elements [ "REGISTER"; "INVITE"; "MESSAGE"; "FOO" ]
            let! host = host
            let! algorithm = Gen.elements Algorithm.all
            let! count = count
            let! now = Gen.choose (0, Int32.MaxValue)

            return
                {
                    User = user
                    Password = password
                    Realm = realm
                    Method = method
                    Uri = "sip:" + host
                    Algorithm = algorithm
                    Count = count
                    Now = Instant.FromMilliseconds(int64 now)
                }
        }

    Arb.fromGenShrink (made, shrinkCaller)
