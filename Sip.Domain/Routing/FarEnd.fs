// FarEnd: a flow named by where it ends, as Kamailio names it: `;alias=ip~port~protocol` on a Contact, and
// `;received=` on a Path, which is that or an escaped URI. It carries no proof: whoever reads it must trust
// whoever wrote it.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Where a flow ends, and what it is.
[<Struct>]
type FarEnd =
    {
        Transport: Transport
        Remote: Endpoint
    }

/// Reading aliases of that form.
[<RequireQualifiedAccess>]
module FarEnd =

    // Kamailio's numbers; 4 is SCTP, which this server does not speak.
    let private transport (number: string) =
        match number with
        | "1" -> ValueSome Transport.Udp
        | "2" -> ValueSome Transport.Tcp
        | "3" -> ValueSome Transport.Tls
        | "5" -> ValueSome Transport.Ws
        | "6" -> ValueSome Transport.Wss
        | _ -> ValueNone

    let private port (text: string) =
        if text <> "" && text.Length <= 5 && String.forall Char.IsAsciiDigit text then
            match Int32.Parse text with
            | port when port >= 1 && port <= 65535 -> ValueSome port
            | _ -> ValueNone
        else
            ValueNone

    /// The far end that an alias of this form names; IPv6 stands in brackets.
    let tryAlias (alias: string) : FarEnd voption =
        match alias.Split '~' with
        | [| host; portText; number |] ->
            match Host.tryRead host, port portText, transport number with
            | ValueSome(Host.Address address), ValueSome port, ValueSome transport when
                not (Address.isUnreachable address)
                ->
                ValueSome
                    {
                        Transport = transport
                        Remote = { Address = address; Port = port }
                    }
            | _, _, _ -> ValueNone
        | _ -> ValueNone

    // `transport=ws` says that it is a WebSocket, not whether it is a secure one.
    let private spoken (uri: SipUri) : Transport list =
        match Uri.said uri with
        | Said.Nothing when uri.Scheme = Scheme.Sips -> [ Transport.Tls ]
        | Said.Nothing -> [ Transport.Udp ]
        | Said.Exactly(Transport.Ws | Transport.Wss)
        | Said.WebSocket -> [ Transport.Ws; Transport.Wss ]
        | Said.Exactly transport -> [ transport ]
        | Said.Unheard _ -> []

    let private ofUri (text: string) : FarEnd list =
        match Lexical.read GrammarUri.uri (Escape.decode text) with
        | Ok(Uri.Sip uri) ->
            match uri.Host, uri.Port with
            | Host.Address address, ValueSome port when not (Address.isUnreachable address) ->
                spoken uri
                |> List.map (fun transport ->
                    {
                        Transport = transport
                        Remote = { Address = address; Port = port }
                    })
            | _, _ -> []
        | Ok _
        | Error _ -> []

    /// The far ends that a `received` names, of which one may live.
    let ofReceived (text: string) : FarEnd list =
        match tryAlias text with
        | ValueSome there -> [ there ]
        | ValueNone -> ofUri text
