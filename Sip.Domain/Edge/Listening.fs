// Listening: what one --listen wish becomes, and by which name others shall know it. An address that
// nobody else can reach is never advertised to the world.

namespace Sip.Edge

open System
open Sip
open Sip.Routing

/// Reading listeners.
[<RequireQualifiedAccess>]
module Listening =

    /// How a listener is written.
    let form =
        "say transport:address:port, for example udp:127.0.0.1:5060, tls:[::1]:5061 or "
        + "ws:0.0.0.0:8080=sip.example.com:443"

    let private isLoopbackHost (host: Host) =
        match host with
        | Host.Address address -> Address.isLoopback address
        | Host.Name name ->
            name = "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal)

    let private advertised
        (wishes: Wishes)
        (bound: Endpoint)
        (said: string)
        : Result<Host * int, string> =
        let asked = if said <> "" then said else wishes.Advertise

        let place =
            match Written.tryHostPort asked with
            | ValueSome(struct (host, port)) -> ValueSome(host, port)
            | ValueNone -> Host.tryRead asked |> ValueOption.map (fun host -> host, bound.Port)

        let sameFamily address =
            Address.isV4 address = Address.isV4 bound.Address

        match place with
        | _ when said = "" && Address.isLoopback bound.Address ->
            Ok(Host.Address bound.Address, bound.Port)
        | ValueSome(host, _) when isLoopbackHost host && not (Address.isLoopback bound.Address) ->
            Error(
                "would advertise "
                + Host.print host
                + ", where nobody else can reach it: give --advertise the server's public name"
            )
        | ValueSome(host, port) -> Ok(host, port)
        | ValueNone when asked <> "" ->
            Error(String.Concat("cannot advertise '", asked, "': that is no host or host:port"))
        | ValueNone when not (Address.isUnspecified bound.Address) ->
            Ok(Host.Address bound.Address, bound.Port)
        | ValueNone ->
            match
                wishes.Outward
                |> Seq.tryFind (fun a -> sameFamily a && not (Address.isLoopback a))
            with
            | Some address -> Ok(Host.Address address, bound.Port)
            | None ->
                Error
                    "listens on every address, and none can be found by which others reach this \
                     machine: give --advertise its public name or address"

    /// The option that asks for listeners which admit these.
    let option (admits: Admits) : string =
        match admits with
        | Admits.Anybody -> "--listen "
        | Admits.CertifiedPeers -> "--trunk "

    /// The listener that a wish asks for, or why there can be none.
    let listener
        (wishes: Wishes)
        (index: int)
        (struct (admits: Admits, text: string))
        : Result<Listener, string> =
        let wrong reason =
            Error(String.Concat(option admits, text, ": ", reason))

        let place, said =
            match text.IndexOf '=' with
            | -1 -> text, ""
            | at -> text.Substring(0, at), text.Substring(at + 1)

        match Written.tryTransport place with
        | ValueNone -> wrong form
        | ValueSome(struct (transport, _)) when
            admits = Admits.CertifiedPeers && transport <> Transport.Tls
            ->
            wrong "trunks come by TLS: say tls:address:port, for example tls:0.0.0.0:5063"
        | ValueSome(struct (transport, rest)) ->
            match Written.tryHostPort rest with
            | ValueSome(struct (Host.Address address, port)) ->
                let bound = { Address = address; Port = port }

                match advertised wishes bound said with
                | Error reason -> wrong reason
                | Ok(host, port) ->
                    Ok
                        {
                            Id = ListenerId index
                            Transport = transport
                            Bound = bound
                            AdvertisedHost = host
                            AdvertisedPort = port
                            Admits = admits
                        }
            | ValueSome(struct (Host.Name _, _)) ->
                wrong "a server listens on an address, not on a name; 0.0.0.0 is every address"
            | ValueNone -> wrong form

    /// A listener as it is written.
    let name (listener: Listener) : string =
        String.Concat(
            Transport.inVia(listener.Transport).ToLowerInvariant(),
            ":",
            Endpoint.print listener.Bound
        )

    /// Listeners that stand there twice.
    let twice (listeners: Listener list) : string list =
        listeners
        |> List.groupBy (fun l -> l.Transport, l.Bound)
        |> List.filter (fun (_, same) -> same.Length > 1)
        |> List.map (fun (_, same) ->
            String.Concat(option same.Head.Admits, name same.Head, ": stands there twice"))

    /// Ports that would be with TLS and without.
    let mixed (listeners: Listener list) : string list =
        listeners
        |> List.filter (fun l -> l.Transport <> Transport.Udp)
        |> List.groupBy _.Bound
        |> List.filter (fun (_, same) ->
            List.length (
                List.distinctBy (fun (l: Listener) -> Transport.isSecure l.Transport) same
            )
                >
                1)
        |> List.map (fun (bound, _) ->
            String.Concat(
                "--listen ... ",
                Endpoint.print bound,
                ": one port cannot be both with and without TLS"
            ))

    /// Ports that trunks would share with others.
    // Who connects there is asked for a certificate, before it can be known what it wants.
    let shared (listeners: Listener list) : string list =
        listeners
        |> List.filter (fun l -> l.Transport <> Transport.Udp)
        |> List.groupBy _.Bound
        |> List.filter (fun (_, same) ->
            List.length (List.distinctBy (fun (l: Listener) -> l.Admits) same) > 1)
        |> List.map (fun (bound, _) ->
            String.Concat(
                "--trunk tls:",
                Endpoint.print bound,
                ": a listener for trunks has a port of its own"
            ))
