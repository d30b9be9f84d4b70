// SipDomain: for which SIP domains a certificate speaks, and whether one of them is the one that is
// meant. RFC 5922 sections 7.1 (identities) and 7.2 (comparing).

namespace Sip.Identity

open System
open Sip
open Sip.Wire

/// The identities in certificates.
[<RequireQualifiedAccess>]
module SipDomain =

    // §7.1: "If the scheme of the URI is not 'sip', then the implementation MUST NOT accept" it, nor one
    // with a userpart.
    let private ofUri (text: string) : string option =
        match Lexical.read GrammarUri.uri text with
        | Ok(Uri.Sip uri) when uri.Scheme = Scheme.Sip && uri.User.IsNone ->
            Some(Host.print uri.Host)
        | Ok _
        | Error _ -> None

    /// The domains that a certificate names: by its SIP URIs; where it has no URI of that kind, by its DNS
    /// names; where it names nothing in the modern way, by its common name.
    let identities (certificate: Certificate) : string list =
        match List.choose ofUri certificate.Uris with
        | [] when not certificate.Names.IsEmpty -> certificate.Names
        | [] when certificate.Uris.IsEmpty && certificate.Addresses.IsEmpty ->
            if certificate.CommonName = "" then
                []
            else
                [ certificate.CommonName.ToLowerInvariant() ]
        | [] -> []
        | byUri -> byUri

    /// Whether a certificate speaks for a host. §7.2: "Implementations MUST match the values in their
    /// entirety" and "MUST NOT match any form of wildcard"; an address is named by an address alone.
    let bears (host: Host) (certificate: Certificate) : bool =
        match host with
        | Host.Address address -> List.contains address certificate.Addresses
        | Host.Name name ->
            identities certificate
            |> List.exists (fun identity ->
                not (identity.StartsWith('*'))
                && String.Equals(identity, name, StringComparison.OrdinalIgnoreCase))
