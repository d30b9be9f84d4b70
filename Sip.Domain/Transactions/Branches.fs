// Branches: some of the branches of a forked request, which are numbered from 0.

namespace Sip.Transactions

open System.Numerics

/// A set of branch numbers below `Branches.most`.
[<Struct>]
type Branches =
    private
        {
            Bits: uint64
        }

    /// Whether there is none.
    member this.IsEmpty = (this.Bits = 0UL)

    /// Whether this branch is one of them.
    member this.Contains(branch: int) = this.Bits &&& (1UL <<< branch) <> 0UL

    /// The lowest of them; there must be one.
    member this.First = BitOperations.TrailingZeroCount this.Bits

/// Making sets of branches.
[<RequireQualifiedAccess>]
module Branches =

    /// How many branches a request may have.
    let most = 64

    /// No branch.
    let none: Branches = { Bits = 0UL }

    /// The set with one more branch.
    let add (branch: int) (branches: Branches) : Branches =
        {
            Bits = branches.Bits ||| (1UL <<< branch)
        }

    /// The set without a branch.
    let remove (branch: int) (branches: Branches) : Branches =
        {
            Bits = branches.Bits &&& ~~~(1UL <<< branch)
        }

    /// The branches in their order.
    let rec toList (branches: Branches) : int list =
        if branches.IsEmpty then
            []
        else
            branches.First :: toList (remove branches.First branches)
