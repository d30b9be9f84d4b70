// NameLaws: what is true of an address of record, of q, of intervals and of instances, however they
// are written (RFC 3261 §10.3 step 5, §20.10, §20.19; RFC 5626 §4.1).

namespace Sip.Properties.Registrar

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Registrar
open Sip.Properties

/// The laws of Aor and Offer.
[<RequireQualifiedAccess>]
module NameLaws =

    // A user and four ways in which its octets may be escaped.
    let private users =
        let octet = Gen.elements [ 'a'; 'B'; '@'; ':'; '%'; '~'; '\233' ]
        let user = Gen.choose (1, 5) >>= fun n -> Gen.arrayOfLength n octet
        let coins = Gen.arrayOfLength 5 (Gen.elements [ 0; 1; 2 ])
        let text (letters: char array) = String letters
        Gen.zip3 (Gen.map text user) coins coins |> Arb.fromGen

    let private escape (coins: int array) (user: string) =
        let escapeOne i (c: char) =
            match coins[i % 5] with
            | 0 when Char.IsAsciiLetter c -> string c
            | 1 -> "%" + (int c).ToString "x2"
            | _ -> "%" + (int c).ToString "X2"

        user |> Seq.mapi escapeOne |> String.Concat

    let private plain user =
        Uri.ofUser user (Host.Name "example.com")

    let private sameUser =
        Law.holds "an address of record is the same however it is escaped and decorated" users
        <| fun (user, coins, others) ->
            let decorated =
                { plain (escape others user) with
                    Scheme = Scheme.Sips
                    Port = ValueSome 5061
                    Parameters =
                        [
                            {
                                Name = "user"
                                Value = ValueSome "phone"
                            }
                        ]
                    Headers = [ { Name = "Subject"; Value = "x" } ]
                }

            Aor.ofSip (plain (escape coins user)) = Aor.ofSip decorated

    let private keptCase =
        Law.holds "an address of record has its user as meant, letter for letter" users
        <| fun (user, coins, _) ->
            (Aor.ofSip (plain (escape coins user))).Key = user + "@example.com"

    let private thousandths = Gen.choose (0, 1000) |> Arb.fromGen

    let private qualities =
        Law.holds "a q of up to three digits is read exactly" thousandths
        <| fun n ->
            let digits = if n = 1000 then "1.000" else "0." + n.ToString "000"
            let short = digits.TrimEnd('0')
            Offer.quality digits = ValueSome n && Offer.quality short = ValueSome n

    let private texts =
        let number = Gen.choose64 (0L, 9999999999L) |> Gen.map string
        let zeros = Gen.elements [ ""; "0"; "000000000000000000000000" ]
        let junk = Gen.elements [ ""; "-1"; "+5"; "1.5"; "60s"; "0x3C"; "\"60\""; "\178" ]
        let huge = Gen.constant (String('9', 40))

        Gen.frequency [ 4, Gen.map2 (+) zeros number; 2, junk; 1, huge ] |> Arb.fromGen

    let private intervals =
        Law.holds
            "an interval is its number of seconds, 136 years at most, and an hour if malformed"
            texts
        <| fun text ->
            let isNumber = text <> "" && text |> Seq.forall (fun c -> c >= '0' && c <= '9')

            let meant =
                if isNumber then
                    min (Numerics.BigInteger.Parse text) (bigint 4294967295L)
                else
                    bigint 3600

            bigint (int64 (Offer.interval text)) = meant

    let private instances =
        let letters = Gen.elements [ 'a'; 'F'; '0'; '-' ]
        let text (letters: char array) = String letters

        Gen.choose (1, 12)
        >>= (fun n -> Gen.arrayOfLength n letters)
        |> Gen.map text
        |> Arb.fromGen

    let private sameInstance =
        Law.holds "a UUID is the same instance in capitals, another URN is not" instances
        <| fun id ->
            let quoted space (id: string) = String.Concat("\"<", space, id, ">\"")
            let capital = id.ToUpperInvariant()

            Offer.instance (quoted "urn:uuid:" id) = Offer.instance (quoted "URN:UUID:" capital)
            && (Offer.instance (quoted "urn:x:" id) = Offer.instance (quoted "URN:X:" capital)) =
                (id = capital)

    /// All of them.
    let all: Test =
        testList "Names" [ sameUser; keptCase; qualities; intervals; sameInstance ]
