// CredentialLaws: what is true of credentials and challenges as text.

module Sip.Properties.CredentialLaws

open System
open Expecto
open FsCheck.FSharp
open Sip.Identity

let private onOneLine (text: string) = Seq.forall (fun c -> c >= ' ') text

// Parameters as pieces of the printed text; good for values without commas.
let private pieces (printed: string) = printed.Substring(7).Split(", ")

let private withoutCommas: FsCheck.Arbitrary<Credentials> =
    let plain (text: string) = text.Replace(",", "")

    IdentityCases.credentials
    |> Arb.mapFilter
        (fun c ->
            { c with
                Username = plain c.Username
                Realm = plain c.Realm
                Nonce = plain c.Nonce
                Uri = plain c.Uri
                Response = plain c.Response
                Opaque = ValueOption.map plain c.Opaque
                Protection = Protection.NonceOnly
            })
        (fun _ -> true)

// What a grammar says about a text that it cannot read shows the text.
let private readable (read: Result<Authorization, Flaw>) =
    match read with
    | Error(Flaw.Unreadable _) -> Error(Flaw.Unreadable "")
    | Ok _
    | Error _ -> read

// Printed credentials with one character put into the place of another.
let private bent: FsCheck.Arbitrary<string> =
    gen {
        let! credentials = IdentityCases.credentials.Generator
        let printed = Credentials.print credentials
        let! place = Gen.choose (7, printed.Length - 1)
        let! octet = Gen.elements (List.ofSeq "\"\\,;= \t\r\n\000\127\128ÿaA0")
        return printed.Remove(place, 1).Insert(place, string octet)
    }
    |> Arb.fromGen

let all =
    testList
        "Credentials"
        [
            Law.holds "a printed credential reads back" IdentityCases.credentials
            <| fun credentials ->
                Credentials.read (Credentials.print credentials) =
                    Ok(Authorization.Digest credentials)

            Law.holds "a printed challenge reads back" IdentityCases.challenge
            <| fun challenge ->
                Challenge.read (Challenge.print challenge) = Ok(Demand.Digest challenge)

            Law.holds "a printed credential is one line" IdentityCases.hostile
            <| fun text ->
                match
                    Credentials.read (
                        Credentials.print
                            {
                                Username = text
                                Realm = text
                                Nonce = text
                                Uri = text
                                Response = text
                                Algorithm = AlgorithmName.Known Algorithm.Md5
                                Opaque = ValueSome text
                                Protection = Protection.NonceOnly
                            }
                    )
                with
                | Ok(Authorization.Digest read) -> onOneLine (Credentials.print read)
                | Ok(Authorization.OtherScheme _)
                | Error _ -> false

            Law.holds "any text at all is read or refused, never an exception" IdentityCases.hostile
            <| fun text ->
                let said =
                    match Credentials.read text, Challenge.read text with
                    | Error credential, Error challenge ->
                        Flaw.words credential + Flaw.words challenge
                    | Ok _, Error flaw
                    | Error flaw, Ok _ -> Flaw.words flaw
                    | Ok _, Ok _ -> ""

                onOneLine said

            Law.holds "the order of parameters means nothing" withoutCommas
            <| fun credentials ->
                let turned = credentials |> Credentials.print |> pieces |> Array.rev

                Credentials.read ("digest " + String.Join(" ,", turned)) =
                    Ok(Authorization.Digest credentials)

            // A tab is white space to the grammar, and no ordinary spelling.
            Law.holds "what is read without the grammar means what the grammar says" bent
            <| fun text ->
                readable (Credentials.read text) =
                    readable (Credentials.read ("Digest\t" + text.Substring 7))

            Law.holds "a parameter that stands there twice is refused" withoutCommas
            <| fun credentials ->
                let printed = Credentials.print credentials

                pieces printed
                |> Array.forall (fun piece ->
                    let name = piece.Substring(0, piece.IndexOf '=')

                    Credentials.read (printed + "," + piece.ToUpperInvariant()) =
                        Error(Flaw.Twice name))

            Law.holds "a parameter that has to be there is missed" withoutCommas
            <| fun credentials ->
                let all = pieces (Credentials.print credentials)

                [ "username"; "realm"; "nonce"; "uri"; "response" ]
                |> List.forall (fun name ->
                    let others = all |> Array.filter (fun p -> not (p.StartsWith(name + "=")))

                    Credentials.read ("Digest " + String.Join(",", others)) =
                        Error(Flaw.Missing name))
        ]
