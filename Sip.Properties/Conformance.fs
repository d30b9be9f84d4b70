// Conformance: where the RFCs' own material stands, for the tests that read it where it is there.

module Sip.Properties.Conformance

open System
open System.IO

/// The folder of RFC material, if it stands anywhere: named by SIP_CONFORMANCE, or in `shared` beside
/// the project.
let folder: string option =
    let named = Environment.GetEnvironmentVariable "SIP_CONFORMANCE" |> Option.ofObj

    let rec beside (from: DirectoryInfo | null) =
        match from with
        | null -> None
        | from ->
            let candidate = Path.Combine(from.FullName, "shared", "conformance")

            if Directory.Exists candidate then
                Some candidate
            else
                beside from.Parent

    named |> Option.orElse (beside (DirectoryInfo AppContext.BaseDirectory))
