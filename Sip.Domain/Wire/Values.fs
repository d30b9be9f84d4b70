// Values: comma-separated header values and `;name=value` parameters as slices (RFC 3261 §7.3.1, §25.1).
// HOT: on the way of every message; allocates nothing.

namespace Sip.Wire

open System
open FSharp.Core.CompilerServices
open Sip

/// One `;name=value` as slices; `Next` is where the walk goes on, -1 where the list is broken.
[<Struct>]
type ParameterView =
    { Name: Slice; Value: Slice; Next: int }

/// Walking comma-separated values.
[<RequireQualifiedAccess>]
module Values =

    let private afterOrEnd end' after = if after < 0 then end' else after

    /// The end of the first value in `from` up to `end'`: the comma outside quotes and brackets.
    let endOfFirst (all: ReadOnlySpan<byte>) (from: int) (end': int) : int =
        let mutable i = from
        let mutable found = -1

        while found < 0 do
            let stop =
                if i < end' then
                    all.Slice(i, end' - i).IndexOfAny('"'B, '<'B, ','B)
                else
                    -1

            if stop < 0 then
                found <- end'
            else
                match all[i + stop] with
                | ','B -> found <- i + stop
                | '"'B -> i <- afterOrEnd end' (Slice.skipQuoted all (i + stop) end')
                | _ ->
                    let close = all.Slice(i + stop, end' - i - stop).IndexOf '>'B
                    i <- if close < 0 then end' else i + stop + close + 1

        found

/// Walking parameter lists.
[<RequireQualifiedAccess>]
module ParameterView =
    let private broken =
        {
            Name = Slice.none
            Value = Slice.none
            Next = -1
        }

    // What an IPv6 address has besides tokens.
    let private isOfAddress (octet: byte) =
        octet = ':'B || octet = '['B || octet = ']'B

    let private valueEnd (all: ReadOnlySpan<byte>) (at: int) (end': int) =
        if at < end' && all[at] = '"'B then
            Slice.skipQuoted all at end'
        else
            let mutable i = Slice.skipToken all at end'

            while i < end' && isOfAddress all[i] do
                i <- Slice.skipToken all (i + 1) end'

            if i = at then -1 else i

    /// The parameter whose semicolon stands at `at`; white space is allowed around every separator.
    let read (all: ReadOnlySpan<byte>) (at: int) (end': int) : ParameterView =
        if at >= end' || all[at] <> ';'B then
            broken
        else
            let start = Slice.skipSpace all (at + 1) end'
            let nameEnd = Slice.skipToken all start end'
            let after = Slice.skipSpace all nameEnd end'

            if nameEnd = start then
                broken
            elif after < end' && all[after] = '='B then
                let valueStart = Slice.skipSpace all (after + 1) end'
                let valueEnd = valueEnd all valueStart end'

                if valueEnd < 0 then
                    broken
                else
                    {
                        Name = Slice.between start nameEnd
                        Value = Slice.between valueStart valueEnd
                        Next = Slice.skipSpace all valueEnd end'
                    }
            else
                {
                    Name = Slice.between start nameEnd
                    Value = Slice.none
                    Next = after
                }

    /// Whether a slice is nothing but well-formed parameters, that name at most once among them (RFC 3261
    /// §7.3.1), and on the same way its value, none where there is none.
    let areSound
        (all: ReadOnlySpan<byte>)
        (list: Slice)
        (name: ReadOnlySpan<byte>)
        (value: byref<Slice>)
        : bool =
        let mutable at = Slice.skipSpace all list.Start list.End
        let mutable looking = true

        while at >= 0 && at < list.End do
            let parameter = read all at list.End
            at <- parameter.Next

            if at >= 0 && Text.same (Slice.bytes all parameter.Name) name then
                if looking then
                    value <- parameter.Value
                    looking <- false
                else
                    at <- -1

        at >= 0

    /// The parameter of that name; its Next is -1 where there is none.
    let find (all: ReadOnlySpan<byte>) (list: Slice) (name: ReadOnlySpan<byte>) : ParameterView =
        let mutable at = Slice.skipSpace all list.Start list.End
        let mutable found = broken
        let mutable looking = at < list.End

        while looking do
            let parameter = read all at list.End
            at <- parameter.Next

            if at < 0 then
                looking <- false
            elif Text.same (Slice.bytes all parameter.Name) name then
                found <- parameter
                looking <- false
            else
                looking <- at < list.End

        found

    /// The list as a noun.
    let toParameters (all: ReadOnlySpan<byte>) (list: Slice) : Parameters =
        let mutable at = Slice.skipSpace all list.Start list.End
        let mutable found = ListCollector<Parameter>()

        while at >= 0 && at < list.End do
            let parameter = read all at list.End
            at <- parameter.Next

            if at >= 0 then
                found.Add
                    {
                        Parameter.Name = Slice.text all parameter.Name
                        Value =
                            if parameter.Value.IsThere then
                                ValueSome(Text.unfold (Slice.text all parameter.Value))
                            else
                                ValueNone
                    }

        found.Close()
