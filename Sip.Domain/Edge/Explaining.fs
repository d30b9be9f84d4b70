// Explaining: a setup in sentences, for an operator who asks what would be served before it is. What weakens the
// server is said first and in capitals.

namespace Sip.Edge

open System
open System.Collections.Generic
open Sip
open Sip.Wire
open Sip.Routing

/// Putting setups into words.
[<RequireQualifiedAccess>]
module Explaining =

    let private place (host: Host) (port: int) =
        String.Concat(Host.print host, ":", string port)

    let private unsafe (setup: Setup) : string list =
        [
            match setup.Realm.Admittance with
            | Admittance.UnsafeOpen ->
                "UNSAFE: nobody has to sign in, and everybody is relayed anywhere (--unsafe-no-auth)"
            | Admittance.Authenticated -> ()

            match setup.Realm.Bearing with
            | Identity.Bearing.UnsafeAnywhere _ ->
                "UNSAFE: tokens are taken where anybody can overhear them (--unsafe-bearer)"
            | Identity.Bearing.Secured _
            | Identity.Bearing.Nowhere -> ()

            if
                setup.Openings
                |> Seq.exists (fun opening ->
                    opening.WebSocket.IsSome && opening.Rules.Handshake.Origins = Origins.AnyOrigin)
            then
                "UNSAFE: any web page may use its visitors' connections (--origin *)"

            for listener in setup.Realm.Listeners do
                if
                    not (Transport.isSecure listener.Transport)
                    && not (Address.isLoopback listener.Bound.Address)
                then
                    String.Concat(
                        Listening.name listener,
                        " is not encrypted: anybody on the way may read along"
                    )
        ]

    let private listener (listener: Listener) : string =
        let whom =
            match listener.Admits with
            | Admits.Anybody -> "for anybody"
            | Admits.CertifiedPeers -> "for peers that show their certificate"

        String.Concat(
            String.Concat("listens on ", Listening.name listener, ", known as "),
            String.Concat(place listener.AdvertisedHost listener.AdvertisedPort, ", ", whom)
        )

    let private peer (peer: Peer) : string =
        let proof =
            match peer.Proof with
            | PeerProof.Address -> "known by its address"
            | PeerProof.Certificate -> "known by its certificate alone"

        String.Concat("has the peer ", place peer.Host peer.Port, ", ", proof)

    /// The sentences.
    let sentences (setup: Setup) : IReadOnlyList<string> =
        [|
            yield! unsafe setup
            yield! setup.Realm.Listeners |> Seq.map listener
            String.Concat("serves the users of ", String.Join(", ", setup.Realm.Domains))
            yield! setup.Realm.Peers |> Seq.map peer

            match setup.Realm.Home with
            | ValueSome home ->
                String.Concat("is the edge of ", string home.Servers.Length, " registrars")
            | ValueNone -> "is a registrar"

            match setup.Realm.Inbound with
            | Inbound.Known -> "lets nobody call its users but users and peers"
            | Inbound.Anybody ->
                "lets strangers on connections call its users and send them messages (--inbound anybody)"
        |]
