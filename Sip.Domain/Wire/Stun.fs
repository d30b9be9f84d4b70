// Stun: the keep-alive of UDP clients (RFC 5626 §8): a STUN Binding Request (RFC 5389 §6) among the SIP of
// a datagram socket is told apart by its first two bits and answered with the source that it came from.

namespace Sip.Wire

open System
open System.Buffers.Binary
open Sip

/// What a datagram is to STUN.
[<RequireQualifiedAccess>]
type Stun =
    /// A Binding Request, and the response to send back.
    | Binding of Response: byte[]
    /// STUN of another kind, or damaged: dropped, never read as SIP.
    | Unanswered
    | NotStun

/// Answering Binding Requests.
[<RequireQualifiedAccess>]
module Stun =
    let private headerLength = 20
    let private cookie = 0x2112A442u
    let private bindingRequest = 0x0001us
    let private bindingSuccess = 0x0101us
    let private bindingError = 0x0111us
    let private xorMappedAddress = 0x0020us
    let private errorCode = 0x0009us
    let private unknownAttributes = 0x000Aus

    let private short (bytes: ReadOnlySpan<byte>) (at: int) =
        BinaryPrimitives.ReadUInt16BigEndian(bytes.Slice(at, 2))

    let private header (kind: uint16) (length: int) (request: ReadOnlySpan<byte>) =
        let response = Array.zeroCreate<byte>(headerLength + length)
        BinaryPrimitives.WriteUInt16BigEndian(Span(response, 0, 2), kind)
        BinaryPrimitives.WriteUInt16BigEndian(Span(response, 2, 2), uint16 length)
        request.Slice(4, 16).CopyTo(Span(response, 4, 16))
        response

    let private attribute (response: byte[]) (kind: uint16) (length: int) =
        BinaryPrimitives.WriteUInt16BigEndian(Span(response, headerLength, 2), kind)
        BinaryPrimitives.WriteUInt16BigEndian(Span(response, headerLength + 2, 2), uint16 length)

    // RFC 5389 §15.2: the port is mixed with the cookie, the address with cookie and transaction.
    let private success (source: Endpoint) (request: ReadOnlySpan<byte>) =
        let address = (Address.toIPAddress source.Address).GetAddressBytes()
        let response = header bindingSuccess (8 + address.Length) request
        attribute response xorMappedAddress (4 + address.Length)
        response[headerLength + 5] <- if address.Length = 4 then 1uy else 2uy
        let port = uint16 source.Port ^^^ uint16 (cookie >>> 16)
        BinaryPrimitives.WriteUInt16BigEndian(Span(response, headerLength + 6, 2), port)

        for i in 0 .. address.Length - 1 do
            response[headerLength + 8 + i] <- address[i] ^^^ request[4 + i]

        response

    // §7.3.1: an attribute below 0x8000 that is not understood makes the request a 420.
    let private refused (unknown: uint16 list) (request: ReadOnlySpan<byte>) =
        let list = 2 * unknown.Length
        let padded = (list + 3) / 4 * 4
        let response = header bindingError (8 + 4 + padded) request
        attribute response errorCode 4
        response[headerLength + 6] <- 4uy
        response[headerLength + 7] <- 20uy
        let second = headerLength + 8
        BinaryPrimitives.WriteUInt16BigEndian(Span(response, second, 2), unknownAttributes)
        BinaryPrimitives.WriteUInt16BigEndian(Span(response, second + 2, 2), uint16 list)

        unknown
        |> List.iteri (fun i kind ->
            BinaryPrimitives.WriteUInt16BigEndian(Span(response, second + 4 + 2 * i, 2), kind))

        response

    // USERNAME, MESSAGE-INTEGRITY, REALM and NONCE are known and not asked for (RFC 5626 §8).
    let private isUnderstood (kind: uint16) =
        kind >= 0x8000us
        || kind = 0x0006us
        || kind = 0x0008us
        || kind = 0x0014us
        || kind = 0x0015us

    let private unknown (request: ReadOnlySpan<byte>) : uint16 list voption =
        let mutable found = []
        let mutable at = headerLength
        let mutable whole = true

        while whole && at < request.Length do
            if at + 4 > request.Length then
                whole <- false
            else
                let kind = short request at
                let length = (int (short request (at + 2)) + 3) / 4 * 4
                whole <- at + 4 + length <= request.Length

                if whole && not (isUnderstood kind) then
                    found <- kind :: found

                at <- at + 4 + length

        if whole then ValueSome(List.rev found) else ValueNone

    let private isWhole (datagram: ReadOnlySpan<byte>) =
        datagram.Length >= headerLength
        && int (short datagram 2) = datagram.Length - headerLength
        && datagram.Length % 4 = 0
        && BinaryPrimitives.ReadUInt32BigEndian(datagram.Slice(4, 4)) = cookie

    /// What a datagram from this source is. SIP begins with a letter or CRLF, STUN with two zero
    /// bits and a zero byte or one.
    let read (source: Endpoint) (datagram: ReadOnlySpan<byte>) : Stun =
        if datagram.Length < 2 || datagram[0] > 1uy then
            Stun.NotStun
        elif not (isWhole datagram) || short datagram 0 <> bindingRequest then
            Stun.Unanswered
        else
            match unknown datagram with
            | ValueSome [] -> Stun.Binding(success source datagram)
            | ValueSome kinds -> Stun.Binding(refused kinds datagram)
            | ValueNone -> Stun.Unanswered
