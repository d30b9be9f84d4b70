// Sharding: a server's work is shared by several ledgers, each with a number, which know of each other
// nothing but what they are told. What a shard mints for others to bring back bears its number.

namespace Sip.Routing

/// Which one of how many shards.
[<Struct>]
type Sharding = { Number: int; Count: int }

/// The shards that serve together.
[<RequireQualifiedAccess>]
module Sharding =

    /// How many there may be: a number takes one byte of a branch and of a nonce.
    [<Literal>]
    let most = 256

    /// The only one.
    let alone: Sharding = { Number = 0; Count = 1 }

    /// All of so many.
    let all (count: int) : Sharding[] =
        Array.init count (fun number -> { Number = number; Count = count })
