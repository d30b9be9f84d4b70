// Scanner: the programs that call every address to find servers and passwords, where they say who they are. That is no
// proof of anything but what it says: nobody else calls themselves so.

namespace Sip.Guarding

open System
open Sip

/// Knowing scanners.
[<RequireQualifiedAccess>]
module Scanner =

    let private field = "\nUser-Agent:"B

    let private names =
        [|
            "friendly-scanner"
            "sipvicious"
            "sipcli"
            "sip-scan"
            "sipsak"
            "sundayddr"
            "pplsip"
            "iwar"
            "smap"
        |]

    /// Whether a message says that a scanner sent it.
    let sent (message: ReadOnlySpan<byte>) : bool =
        match message.IndexOf(ReadOnlySpan field) with
        | -1 -> false
        | at ->
            let rest = message.Slice(at + field.Length)
            let ends = rest.IndexOf '\r'B
            let value = Text.ofBytes (if ends < 0 then rest else rest.Slice(0, ends))
            let said = value.Trim()

            names
            |> Array.exists (fun name -> said.StartsWith(name, StringComparison.OrdinalIgnoreCase))
