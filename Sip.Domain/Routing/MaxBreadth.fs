// MaxBreadth: how many branches a request may have at once, all the way down (RFC 5393 §5): what a proxy
// takes a request to have, and how it shares that among the branches it starts.

namespace Sip.Routing

open System
open Sip

/// How the branches of a group share the breadth.
[<RequireQualifiedAccess>]
type Breadth =
    /// One value for each branch, in their order.
    | Share of Each: int list
    /// There is not enough for all at once: groups of at most so many, one after the other.
    | InTurn of Groups: int list list
    /// 440.
    | Exceeded

/// Sharing breadth.
[<RequireQualifiedAccess>]
module MaxBreadth =

    /// The value for requests that have none, and the largest that is believed.
    let most = 60

    let private digits (text: string) =
        text <> "" && Seq.forall Char.IsAsciiDigit text

    /// The breadth of a request with this header value: none, or one that is no number, counts as
    /// the most, and so does whatever is larger.
    let incoming (value: string voption) : int =
        match value with
        | ValueSome text when digits text && text.Length <= 9 -> min most (int text)
        | ValueSome _
        | ValueNone -> most

    // Everything is given away, the first branches getting what does not divide.
    let private share (breadth: int) (branches: int) : int list =
        List.init branches (fun i -> breadth / branches + (if i < breadth % branches then 1 else 0))

    /// How a request of this breadth goes to so many targets at once. What one group gives back
    /// when it is over, the next one has (§5.3.3.1).
    let split (breadth: int) (branches: int) : Breadth =
        if branches = 0 then
            Breadth.Share []
        elif breadth < 1 then
            Breadth.Exceeded
        elif branches <= breadth then
            Breadth.Share(share breadth branches)
        else
            List.replicate branches ()
            |> List.chunkBySize breadth
            |> List.map (fun group -> share breadth group.Length)
            |> Breadth.InTurn
