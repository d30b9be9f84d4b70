// PrincipalLaws: which addresses belong to whom.

module Sip.Properties.PrincipalLaws

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Properties.IdentityCases
open Sip.Properties.Callers

let private lawsOfAddresses =
    let escaped (user: string) =
        user |> Seq.map (fun c -> "%" + (int c).ToString("X2")) |> String.concat ""

    let address user : Uri = Uri.Sip(Uri.ofUser user domain)

    let names =
        Arb.fromGenShrink (wireText |> Gen.filter (fun name -> name <> ""), shrinkText)

    [
        Law.holds "a principal speaks for their own address, however it is escaped" names
        <| fun name ->
            let principal = Principal.at domain name
            Principal.mayUse principal (address (escaped name)) = Use.Own

        Law.holds "a signed URI names the user however it is escaped, and no other" names
        <| fun name ->
            let uri user = "sip:" + user + "@example.com"

            SignedUri.names (uri (escaped name)) (uri ((escaped name).ToLowerInvariant()) + ";a=b")
            && not (SignedUri.names (uri (escaped name)) (uri (escaped (name + "x"))))
            && not (SignedUri.names (uri (escaped name)) (uri (escaped name) + ":5061"))
            && not (SignedUri.names (uri (escaped name)) (uri (escaped name) + ".org"))
            && not (SignedUri.names (uri (escaped name)) "sip:example.com")
            && not (
                SignedUri.names (uri (escaped name)) ("sips" + (uri (escaped name)).Substring 3)
            )

        Law.holds "a principal speaks for no other address" names
        <| fun name ->
            let principal = Principal.at domain name

            [
                address (escaped (name + "x"))
                address ""
                Uri.Sip(Uri.ofUser (escaped name) (Host.Name "elsewhere.example"))
                Uri.Tel { Number = name; Parameters = [] }
                Uri.Other("mailto", name)
            ]
            |> List.forall (fun other -> Principal.mayUse principal other = Use.Foreign)
    ]

let all = testList "Principals" [ yield! lawsOfAddresses ]
