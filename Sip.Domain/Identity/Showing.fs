// Showing: which of our certificates a client sees that asks for a name (RFC 6066 section 3), and with
// which key. Certificates of the same names with keys of different kinds go together, ECDSA first.

namespace Sip.Identity

open System
open System.Collections.Generic

/// Our certificates by their places, in groups that bear the same names.
type Showing =
    private
        {
            Certificates: Certificate[]
            Together: int[][]
        }

    /// The places in each group: the first shows itself to whoever knows its kind of key.
    member this.Groups: IReadOnlyList<IReadOnlyList<int>> =
        [| for group in this.Together -> group :> IReadOnlyList<int> |]

/// Choosing what to show.
[<RequireQualifiedAccess>]
module Showing =

    let private kind (certificate: Certificate) =
        match certificate.Key with
        | KeyKind.Ecdsa -> 0
        | KeyKind.Rsa _ -> 1
        | KeyKind.Other _ -> 2

    let private names (certificate: Certificate) =
        Set.ofList (
            match certificate.Names with
            | [] -> [ certificate.CommonName.ToLowerInvariant() ]
            | some -> some
        )

    /// The groups of these certificates, in the order of the first of each.
    let ofCertificates (certificates: IReadOnlyList<Certificate>) : Showing =
        let all = Array.ofSeq certificates

        let together =
            [| 0 .. all.Length - 1 |]
            |> Array.groupBy (fun place -> names all[place])
            |> Array.collect (fun (_, places) ->
                let byKind = places |> Array.groupBy (fun place -> kind all[place])
                let first = byKind |> Array.sortBy fst |> Array.map (fun (_, same) -> same[0])
                [| first |])

        {
            Certificates = all
            Together = together
        }

    let private isExact (name: string) (certificate: Certificate) =
        Set.contains name (names certificate)

    // A wildcard is one label, the leftmost (RFC 9525 §6.3).
    let private isWild (name: string) (certificate: Certificate) =
        match name.IndexOf '.' with
        | dot when dot > 0 -> Set.contains ("*" + name.Substring dot) (names certificate)
        | _ -> false

    /// The group for a name: the first that bears the very name, else the first whose wildcard covers it,
    /// else the first of all. A client says what it likes; any text has an answer.
    let choose (showing: Showing) (name: string) : int =
        let asked = name.ToLowerInvariant().TrimEnd('.')

        let first fits =
            showing.Together
            |> Array.tryFindIndex (fun group -> fits asked showing.Certificates[group[0]])

        match first isExact with
        | Some found -> found
        | None -> first isWild |> Option.defaultValue 0
