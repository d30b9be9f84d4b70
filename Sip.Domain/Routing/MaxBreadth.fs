// MaxBreadth: how many branches a request may have at once, all the way down (RFC 5393 §5): what a proxy
// takes a request to have, and how it shares that among the branches it starts. HOT.

namespace Sip.Routing

/// Sharing breadth.
[<RequireQualifiedAccess>]
module MaxBreadth =

    /// The value for requests that have none, and the largest that is believed.
    let most = 60

    /// The breadth of a request with this header value, which is negative where there is none or no
    /// number: that counts as the most, and so does whatever is larger.
    let incoming (value: int64) : int =
        if value < 0L || value > int64 most then most else int value

    /// The breadth of one of so many branches, counted from 0. Everything is given away, the first
    /// branches getting what does not divide.
    let share (breadth: int) (branches: int) (index: int) : int =
        breadth / branches + (if index < breadth % branches then 1 else 0)

    let rec private isWithin (breadth: int) (groups: 'target list list) =
        match groups with
        | [] -> true
        | group :: rest -> group.Length <= breadth && isWithin breadth rest

    /// Groups of targets of which each may be tried at once, for a breadth of 1 or more. What one group
    /// gives back when it is over, the next one has (§5.3.3.1).
    let within (breadth: int) (groups: 'target list list) : 'target list list =
        if isWithin breadth groups then
            groups
        else
            List.collect (List.chunkBySize breadth) groups
