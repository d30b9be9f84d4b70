// ViaView: one Via value as slices (RFC 3261 §20.42, §25.1; RFC 3581 for rport). HOT: the top Via
// of every message is read. Its slow twin is Grammar.via.

namespace Sip.Wire

open System
open System.Runtime.InteropServices
open Sip

/// One Via value; a port that is not written is -1.
[<Struct>]
type ViaView =
    {
        Whole: Slice
        Transport: Slice
        Host: Slice
        Port: int
        /// Where sent-by ends and the parameters begin.
        Parameters: Slice
        /// The branch's value, none where there is none.
        Branch: Slice
    }

/// Reading Via values from spans.
[<RequireQualifiedAccess>]
module ViaView =

    let private sip = "SIP"B
    let private version = "2.0"B
    let private branch = "branch"B

    /// How a branch begins that identifies its transaction by itself (RFC 3261 §8.1.1.7).
    let cookie = "z9hG4bK"

    let private cookieBytes = Text.toBytes cookie

    let private skipSlash (all: ReadOnlySpan<byte>) (at: int) (end': int) =
        let slash = Slice.skipSpace all at end'

        if slash < end' && all[slash] = '/'B then
            Slice.skipSpace all (slash + 1) end'
        else
            -1

    // "SIP/2.0/" as everybody writes it, in one comparison.
    let private usual = BitConverter.ToUInt64("SIP/2.0/"B, 0)

    // sent-protocol = protocol-name SLASH protocol-version SLASH transport
    /// The transport's slice, or none where the value does not begin as a Via.
    let private spelled (all: ReadOnlySpan<byte>) (whole: Slice) =
        let nameEnd = Slice.skipToken all whole.Start whole.End
        let versionStart = skipSlash all nameEnd whole.End

        let versionEnd =
            if versionStart < 0 then
                -1
            else
                Slice.skipToken all versionStart whole.End

        let start =
            if versionEnd < 0 then
                -1
            else
                skipSlash all versionEnd whole.End

        if
            start < 0
            || not (Text.same (Slice.bytes all (Slice.between whole.Start nameEnd)) sip)
            || not ((Slice.bytes all (Slice.between versionStart versionEnd)).SequenceEqual version)
        then
            Slice.none
        else
            Slice.between start (Slice.skipToken all start whole.End)

    let private protocol (all: ReadOnlySpan<byte>) (whole: Slice) =
        if whole.Length > 8 && MemoryMarshal.Read<uint64>(all.Slice whole.Start) = usual then
            let start = whole.Start + 8
            let slice = Slice.between start (Slice.skipToken all start whole.End)
            if slice.Length > 0 then slice else spelled all whole
        else
            spelled all whole

    let private hostEnd (all: ReadOnlySpan<byte>) (at: int) (end': int) =
        if at < end' && all[at] = '['B then
            let close = all.Slice(at, end' - at).IndexOf ']'B
            if close < 0 then at else at + close + 1
        else
            Slice.skipToken all at end'

    /// The value that fills this slice, if it is one.
    let read (all: ReadOnlySpan<byte>) (slice: Slice) : ViaView voption =
        let whole = Slice.trim all slice
        let transport = protocol all whole

        let start =
            if transport.IsThere then
                Slice.skipSpace all transport.End whole.End
            else
                whole.End

        let hostEnd = hostEnd all start whole.End
        let colon = Slice.skipSpace all hostEnd whole.End
        let written = colon < whole.End && all[colon] = ':'B

        let portStart =
            if written then
                Slice.skipSpace all (colon + 1) whole.End
            else
                hostEnd

        let portEnd =
            if written then
                Slice.skipToken all portStart whole.End
            else
                hostEnd

        let port =
            if written then
                Slice.port all (Slice.between portStart portEnd)
            else
                -1

        let parameters = Slice.between portEnd whole.End
        let mutable branchValue = Slice.none

        if
            transport.Length = 0
            || start = transport.End
            || hostEnd = start
            || (written && port < 0)
            || not (ParameterView.areSound all parameters branch &branchValue)
        then
            ValueNone
        else
            ValueSome
                {
                    Whole = whole
                    Transport = transport
                    Host = Slice.between start hostEnd
                    Port = port
                    Parameters = parameters
                    Branch = branchValue
                }

    /// A Via parameter; its Next is -1 where there is none.
    let parameter (all: ReadOnlySpan<byte>) (view: ViaView) (name: ReadOnlySpan<byte>) =
        ParameterView.find all view.Parameters name

    /// Whether a branch identifies its transaction by itself (RFC 3261 §8.1.1.7).
    let isUnique (all: ReadOnlySpan<byte>) (branch: Slice) : bool =
        branch.Length > cookieBytes.Length
        && Text.same (all.Slice(branch.Start, cookieBytes.Length)) cookieBytes

    /// The value as a noun.
    let toVia (all: ReadOnlySpan<byte>) (view: ViaView) : Via voption =
        match HostView.toHost (Slice.bytes all view.Host) with
        | ValueNone -> ValueNone
        | ValueSome host ->
            ValueSome
                {
                    Transport = Slice.text all view.Transport
                    Host = host
                    Port = if view.Port < 0 then ValueNone else ValueSome view.Port
                    Parameters = ParameterView.toParameters all view.Parameters
                }
