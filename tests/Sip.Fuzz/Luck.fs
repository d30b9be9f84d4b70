// Luck: the only chance there is: the same seed throws the same, on every machine.

namespace Sip.Fuzz

open System

/// Seeded chance.
[<Sealed>]
type Luck(seed: int) =
    let random = Random seed

    /// A number from 0 up to, not including, this one.
    member _.Below(limit: int) : int = random.Next limit

    /// A number from this one to that one.
    member _.Between(least: int, most: int) : int = random.Next(least, most + 1)

    /// True so many times in a hundred.
    member _.Chance(percent: int) : bool = random.Next 100 < percent

    /// One of these.
    member _.Of(choices: 'choice[]) : 'choice = choices[random.Next choices.Length]

    /// So many letters out of these.
    member _.Text(letters: string, least: int, most: int) : string =
        String(
            Array.init (random.Next(least, most + 1)) (fun _ -> letters[random.Next letters.Length])
        )

    /// So many bytes.
    member _.Bytes(count: int) : byte[] =
        let bytes = Array.zeroCreate<byte> count
        random.NextBytes bytes
        bytes
