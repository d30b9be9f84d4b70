// Wish: one wish as an operator writes it: what it means, or what is wrong with it in words that say what to do.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity

/// Reading single wishes.
[<RequireQualifiedAccess>]
module internal Wish =

    /// What a wish came to.
    type Part<'part> = Result<'part, string>

    /// The transport, if a server can call by it.
    let dialled (transport: Transport) =
        match transport with
        | Transport.Udp -> ValueSome Dialled.Udp
        | Transport.Tcp -> ValueSome Dialled.Tcp
        | Transport.Tls -> ValueSome Dialled.Tls
        | Transport.Ws
        | Transport.Wss -> ValueNone

    /// `transport:host:port`.
    let peerPlace (text: string) : struct (Dialled * Host * int) voption =
        match Written.tryTransport text with
        | ValueNone -> ValueNone
        | ValueSome(struct (transport, rest)) ->
            match dialled transport, Written.tryHostPort rest with
            | ValueSome dialled, ValueSome(struct (host, port)) ->
                ValueSome(struct (dialled, host, port))
            | ValueSome _, ValueNone
            | ValueNone, _ -> ValueNone

    /// A peer, at the addresses that its name has.
    let peer (wishes: Wishes) (text: string) : Part<Peer> =
        let wrong reason =
            Error(String.Concat("--peer ", text, ": ", reason))

        match peerPlace text with
        | ValueNone -> wrong "say udp, tcp or tls, then :host:port, for example udp:192.0.2.7:5060"
        | ValueSome(struct (transport, host, port)) ->
            let addresses =
                match host with
                | Host.Address address -> [ address ]
                | Host.Name name ->
                    match wishes.Resolved.TryGetValue name with
                    | true, found -> List.ofSeq found
                    | false, _ -> []

            if addresses.IsEmpty then
                wrong "its name has no address: correct the name, or give the address"
            else
                Ok
                    {
                        Transport = transport
                        Host = host
                        Port = port
                        Addresses = addresses
                        Proof =
                            match transport, host with
                            | Dialled.Tls, Host.Name _ when wishes.Trunks.Count > 0 ->
                                PeerProof.Certificate
                            | _, _ -> PeerProof.Address
                    }

    // `192.0.2.7`, `registrar.example` or `udp:192.0.2.7:5060`, where no URI is written out.
    let private serverUri (text: string) : SipUri voption =
        let whole =
            match peerPlace text with
            | ValueSome(struct (transport, host, port)) ->
                let word = Transport.inUri (Hop.dialled transport)
                let place = String.Concat(Host.print host, ":", string port)
                String.Concat("sip:", place, ";transport=", word)
            | ValueNone when text.StartsWith("sip", StringComparison.OrdinalIgnoreCase) -> text
            | ValueNone -> String.Concat("sip:", text)

        match Lexical.read GrammarUri.uri whole with
        | Ok(Uri.Sip uri) when uri.User.IsNone && Hop.ofUri uri <> Lead.Nowhere -> ValueSome uri
        | Ok _
        | Error _ -> ValueNone

    /// A server of the registrar behind us.
    let upstream (text: string) : Part<SipUri> =
        match serverUri text with
        | ValueSome uri -> Ok uri
        | ValueNone ->
            Error(
                String.Concat(
                    "--upstream ",
                    text,
                    ": say a URI, a host or transport:host:port, for example sip:registrar.example"
                )
            )

    /// What the registrar behind us makes of Path.
    let wayBack (text: string) : Part<WayBack> =
        match text with
        | "supported" -> Ok(WayBack.ByPath PathWish.WhereSupported)
        | "demanded" -> Ok(WayBack.ByPath PathWish.Demanded)
        | "none" -> Ok WayBack.ByContact
        | _ -> Error(String.Concat("--upstream-path ", text, ": say supported, demanded or none"))

    /// Whose calls and messages reach users.
    let inbound (wishes: Wishes) : Part<Inbound> =
        match wishes.Inbound with
        | "known" -> Ok Inbound.Known
        | "anybody" when wishes.Upstreams.Count > 0 ->
            Error
                "--inbound anybody: the registrar behind --upstream decides whose calls reach its users: leave it out"
        | "anybody" -> Ok Inbound.Anybody
        | other -> Error(String.Concat("--inbound ", other, ": say known or anybody"))

    /// The digest algorithms.
    let algorithms (text: string) : Part<Algorithm list> =
        let named = text.Split ',' |> List.ofArray |> List.map Algorithm.named

        let known =
            named
            |> List.choose (fun name ->
                match name with
                | AlgorithmName.Known algorithm -> Some algorithm
                | AlgorithmName.Unheard _ -> None)

        if text = "all" then
            Ok Algorithm.usual
        elif known.Length = named.Length then
            Ok(List.distinct known)
        else
            Error(
                String.Concat(
                    "--digest ",
                    text,
                    ": say all, or names with commas of md5, sha-256 and sha-512-256"
                )
            )

    /// `minute,hour,day,destinations,row`.
    // Five numbers, each at least one: a meter that lets nothing pass would be a riddle.
    let quota (option: string) (text: string) : Part<Quota> =
        let number (word: string) =
            match Int32.TryParse word with
            | true, number when number >= 1 -> ValueSome number
            | _ -> ValueNone

        match text.Split ',' |> Array.map (fun word -> number (word.Trim())) with
        | [| ValueSome minute; ValueSome hour; ValueSome day; ValueSome destinations; ValueSome row |] ->
            Ok
                {
                    Minute = minute * 1<start>
                    Hour = hour * 1<start>
                    Day = day * 1<start>
                    Destinations = destinations
                    Row = row * 1<start>
                }
        | _ ->
            Error(
                String.Concat(
                    option,
                    " ",
                    text,
                    ": say five numbers from 1 on: calls and messages a minute, an hour and a day, different destinations an hour, calls in a row to one; for example 20,120,500,60,40"
                )
            )

    /// `calls,minutes`.
    let lines (option: string) (text: string) : Part<LineQuota> =
        match text.Split ',' |> Array.map Int32.TryParse with
        | [| true, calls; true, minutes |] when calls >= 1 && minutes >= 1 ->
            Ok
                {
                    AtOnce = calls * 1<call>
                    Minutes = minutes * 1<minute>
                }
        | _ ->
            Error(
                String.Concat(
                    option,
                    " ",
                    text,
                    ": say two numbers from 1 on: calls at a time, minutes of talk a day; for example 10,600"
                )
            )

    /// A range of addresses.
    let range (option: string) (text: string) : Part<Cidr> =
        match Cidr.tryRead text with
        | ValueSome range -> Ok range
        | ValueNone ->
            let advice = ": say address/bits, for example 10.0.0.0/8"
            Error(String.Concat(option, text, advice))

    /// A domain.
    let domain (text: string) : Part<string> =
        match Host.tryRead text with
        | ValueSome host -> Ok(Host.print host)
        | ValueNone -> Error(String.Concat("--domain ", text, ": that is no host name or address"))

    /// Where the token of a handshake stands.
    let tokenPlace (text: string) : Part<TokenPlace> =
        match Visiting.tryPlace text with
        | ValueSome place -> Ok place
        | ValueNone ->
            Error(String.Concat("--handshake-token ", text, ": say protocol, or cookie=NAME"))
