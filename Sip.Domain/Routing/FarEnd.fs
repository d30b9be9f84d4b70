// FarEnd: a flow named by where it ends, `;alias=ip~port~protocol`, as Kamailio's nathelper puts it
// on a Contact. It carries no proof: whoever reads it must trust whoever wrote it.

namespace Sip.Routing

open System
open Sip

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
        if text <> "" && text.Length <= 5 && Seq.forall Char.IsAsciiDigit text then
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
