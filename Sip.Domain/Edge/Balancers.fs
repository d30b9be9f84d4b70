// Balancers: whose word counts when a connection says that it speaks for somebody else. The address of
// a client is taken from a configured balancer only, from the PROXY protocol or from X-Forwarded-For or
// Forwarded of a WebSocket handshake (RFC 7239); what anybody else says about it goes unread.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing

/// Who is behind a balancer.
[<RequireQualifiedAccess>]
type Behind =
    /// The handshake names nobody: the balancer asks for itself.
    | Nobody
    | Client of Client: Endpoint
    | Unreadable of Reason: string

/// Asking balancers.
[<RequireQualifiedAccess>]
module Balancers =

    /// Whether the address is a balancer's.
    let holds (balancers: Cidr list) (address: Address) : bool =
        List.exists (fun range -> Cidr.holds range address) balancers

    let private isPort (text: string) =
        text.Length > 0
        && text.Length < 6
        && String.forall Char.IsAsciiDigit text
        && int text <= 65535

    let private orV4 (address: Address voption) (text: string) =
        match address with
        | ValueSome address -> ValueSome address
        | ValueNone -> Address.tryV4 text

    // An address, an address in brackets, or either with a port; a port that is none spoils the whole.
    let private tryNode (text: string) : Endpoint voption =
        let at port address : Endpoint = { Address = address; Port = port }
        let bracket = text.IndexOf ']'
        let colon = text.LastIndexOf ':'

        if text.StartsWith '[' && bracket = text.Length - 1 then
            Address.tryV6 (text.Substring(1, bracket - 1)) |> ValueOption.map (at 0)
        elif text.StartsWith '[' && colon = bracket + 1 && isPort (text.Substring(colon + 1)) then
            Address.tryV6 (text.Substring(1, bracket - 1))
            |> ValueOption.map (at (int (text.Substring(colon + 1))))
        elif colon > 0 && colon = text.IndexOf ':' && isPort (text.Substring(colon + 1)) then
            Address.tryV4 (text.Substring(0, colon))
            |> ValueOption.map (at (int (text.Substring(colon + 1))))
        else
            orV4 (Address.tryV6 text) text |> ValueOption.map (at 0)

    // forwarded-pair = token "=" value, of which `for` is the one that counts (RFC 7239 §4).
    let private forOf (element: string) : string =
        element.Split ';'
        |> Array.map (fun pair -> pair.Trim())
        |> Array.filter (fun pair -> pair.StartsWith("for=", StringComparison.OrdinalIgnoreCase))
        |> function
            | [| pair |] ->
                let value = pair.Substring 4

                if value.Length > 1 && value.StartsWith '"' && value.EndsWith '"' then
                    value.Substring(1, value.Length - 2)
                else
                    value
            | _ -> ""

    // The last of the chain was written by whoever stands next to us; a client can forge the first only.
    let rec private nearest balancers (chain: string list) : Behind =
        match chain with
        | [] -> Behind.Nobody
        | node :: farther ->
            match tryNode node with
            | ValueNone -> Behind.Unreadable "The balancer does not say for whom it asks."
            | ValueSome endpoint when holds balancers endpoint.Address -> nearest balancers farther
            | ValueSome endpoint -> Behind.Client endpoint

    let private ofRequest balancers (request: HttpRequest) =
        let forwarded = HttpRequest.elements "Forwarded" request |> List.map forOf
        let listed = HttpRequest.elements "X-Forwarded-For" request

        if not forwarded.IsEmpty && not listed.IsEmpty then
            Behind.Unreadable "Forwarded and X-Forwarded-For: the balancer should send one of them."
        else
            nearest balancers (List.rev (forwarded @ listed))

    /// Who is behind the balancer that sent this handshake's head; where no port is named, the
    /// balancer's tells its connections apart.
    let behind (balancers: Cidr list) (balancer: Endpoint) (head: ReadOnlySpan<byte>) : Behind =
        let text = Text.ofBytes head

        match HttpRequest.read (text.Substring(0, max 0 (text.Length - 4))) with
        | None -> Behind.Nobody
        | Some request ->
            match ofRequest balancers request with
            | Behind.Client client when client.Port = 0 ->
                Behind.Client { client with Port = balancer.Port }
            | Behind.Client _
            | Behind.Nobody
            | Behind.Unreadable _ as said -> said
