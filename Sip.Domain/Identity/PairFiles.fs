// PairFiles: which files of a folder are a certificate and its key: NAME.pem or NAME.crt with NAME.key, and
// fullchain.pem with privkey.pem in a folder of their own, as ACME clients write them.

namespace Sip.Identity

open System
open System.Collections.Generic

/// A certificate's file and its key's.
[<Struct>]
type PairFile = { Certificate: string; Key: string }

/// What a folder has.
type PairFiles =
    {
        Pairs: IReadOnlyList<PairFile>
        /// Certificates without a key, and keys without a certificate.
        Alone: IReadOnlyList<string>
    }

/// Finding pairs.
[<RequireQualifiedAccess>]
module PairFiles =

    let private endings = [ ".pem"; ".crt" ]

    let private stem (ending: string) (file: string) =
        if file.EndsWith(ending, StringComparison.Ordinal) && file.Length > ending.Length then
            Some(file.Substring(0, file.Length - ending.Length))
        else
            None

    let private acme = "fullchain.pem"

    let private keyOf (file: string) : string option =
        if file = acme || file.EndsWith("/" + acme, StringComparison.Ordinal) then
            Some(file.Substring(0, file.Length - acme.Length) + "privkey.pem")
        else
            List.tryPick (fun ending -> stem ending file) endings
            |> Option.map (fun name -> name + ".key")

    let private isOtherOfAcme (files: Set<string>) (file: string) =
        let folder = file.Substring(0, file.LastIndexOf '/' + 1)

        Set.contains (folder + acme) files
        && file.EndsWith(".pem", StringComparison.Ordinal)
        && file <> folder + acme

    /// The pairs among these paths, which are parted by `/`, in the order of their names.
    let among (files: IReadOnlyList<string>) : PairFiles =
        let all = Set.ofSeq files

        let pairs =
            [
                for file in all do
                    match keyOf file with
                    | Some key when Set.contains key all && not (isOtherOfAcme all file) ->
                        { Certificate = file; Key = key }
                    | Some _
                    | None -> ()
            ]

        let used =
            Set.ofList (pairs |> List.collect (fun pair -> [ pair.Certificate; pair.Key ]))

        {
            Pairs = List.toArray pairs
            Alone =
                [|
                    for file in all do
                        let isOurs = (keyOf file).IsSome || (stem ".key" file).IsSome

                        if
                            isOurs && not (Set.contains file used) && not (isOtherOfAcme all file)
                        then
                            file
                |]
        }
