// StunLaws: what is true of the keep-alives among a datagram socket's SIP (RFC 5626 §8, RFC 5389).

namespace Sip.Properties.Outbound

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Properties

/// The laws of Stun.
[<RequireQualifiedAccess>]
module StunLaws =

    let private binding (transaction: byte[]) (attributes: byte[]) =
        Array.concat
            [
                [| 0uy; 1uy; 0uy; byte attributes.Length |]
                [| 0x21uy; 0x12uy; 0xA4uy; 0x42uy |]
                transaction
                attributes
            ]

    let private bytes count =
        Gen.arrayOfLength count (Gen.map byte (Gen.choose (0, 255)))

    let private requests =
        Arb.fromGen (
            gen {
                let! flow = Addresses.flow
                let! transaction = bytes 12
                // SOFTWARE, which may be unknown, then nothing
                let! attributes =
                    Gen.elements [ [||]; [| 0x80uy; 0x22uy; 0uy; 3uy; 65uy; 66uy; 67uy; 0uy |] ]

                return flow.Remote, transaction, binding transaction attributes
            }
        )

    let private mapped (response: byte[]) : Endpoint =
        let whole = Array.append (Array.sub response 4 4) (Array.sub response 8 12)
        let port = (int response[26] <<< 8 ||| int response[27]) ^^^ 0x2112
        let length = if response[25] = 1uy then 4 else 16
        let address = Array.init length (fun i -> response[28 + i] ^^^ whole[i])

        {
            Address = Address.ofIPAddress (Net.IPAddress address)
            Port = port
        }

    let private answered =
        Law.holds "a Binding Request is answered with the source that it came from" requests
        <| fun (source, transaction, request) ->
            match Stun.read source (ReadOnlySpan request) with
            | Stun.Binding response ->
                response[0] = 1uy
                && response[1] = 1uy
                && Array.sub response 8 12 = transaction
                && int response[3] = response.Length - 20
                && mapped response = source
            | Stun.Unanswered
            | Stun.NotStun -> false

    let private unknown =
        Law.holds
            "an attribute that has to be understood and is not is refused by its number"
            requests
        <| fun (source, transaction, _) ->
            let request = binding transaction [| 0x7Fuy; 0xFFuy; 0uy; 0uy |]

            match Stun.read source (ReadOnlySpan request) with
            | Stun.Binding response ->
                Array.sub response 0 2 = [| 1uy; 0x11uy |]
                && Array.sub response 26 2 = [| 4uy; 20uy |]
                && Array.sub response 32 2 = [| 0x7Fuy; 0xFFuy |]
            | Stun.Unanswered
            | Stun.NotStun -> false

    let private damaged =
        Law.holds "what is cut off a Binding Request leaves it unanswered, or no STUN" requests
        <| fun (source, _, request) ->
            Seq.init request.Length (fun length ->
                Stun.read source (ReadOnlySpan(request, 0, length)))
            |> Seq.forall (fun stun ->
                match stun with
                | Stun.Unanswered
                | Stun.NotStun -> true
                | Stun.Binding _ -> false)

    let private sip =
        Law.holds "no SIP message is taken for STUN" Messages.politeMessages
        <| fun text ->
            Stun.read { Address = Address.ofV4 1u; Port = 1 } (ReadOnlySpan(Text.toBytes text)) =
                Stun.NotStun

    let private noise =
        Law.holds
            "any datagram at all is read to the end"
            (Arb.fromGen (Gen.bind bytes (Gen.choose (0, 64))))
        <| fun noise ->
            for first in [ 0uy; 1uy ] do
                let datagram = Array.append [| first; 1uy |] noise

                Stun.read { Address = Address.ofV4 1u; Port = 1 } (ReadOnlySpan datagram)
                |> ignore

            true

    /// Every law.
    let all: Test =
        testList "STUN keep-alives (RFC 5626)" [ answered; unknown; damaged; sip; noise ]
