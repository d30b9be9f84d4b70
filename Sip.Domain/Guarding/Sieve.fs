// Sieve: how much of what would be refused anyway is let through to be refused at all. The system drops the rest before
// anybody has read it, which costs next to nothing; what passes is an eighth more than can be worked on, so that it is
// still the measured wait that decides. A step is judged by what came after it: whoever judged it by what still waits
// from before would go on narrowing until nothing comes at all, and then open too far.

namespace Sip.Guarding

open Sip

/// Of how many of 1024 new requests the system lets through.
[<RequireQualifiedAccess>]
module Sieve =

    /// Everything passes.
    let wide = 1024

    /// For how long what comes through it has to be seen before it is judged.
    let pace = 100L<ms>

    // Few enough for any flood, and enough to see when it is over.
    let private narrow = 4

    /// The sieve after so many came through and so many of them were worked on.
    let step (came: int) (worked: int) (sieve: int) : int =
        let wanted = worked + worked / 8 + 4

        let next =
            if came <= wanted then
                sieve + max 1 (sieve / 3)
            else
                max (sieve / 4) (int (int64 sieve * int64 wanted / int64 came))

        next |> max narrow |> min wide
