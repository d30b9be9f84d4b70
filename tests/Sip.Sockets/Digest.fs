// Digest: a client's answer to a challenge (RFC 7616 §3.4), worked out here again.

module Sip.Sockets.Digest

open System
open System.Security.Cryptography

let private hash (algorithm: string) (text: string) =
    let bytes = Said.bytes text

    let hashed =
        if algorithm = "SHA-256" then
            SHA256.HashData bytes
        else
            MD5.HashData bytes

    Convert.ToHexString(hashed).ToLowerInvariant()

let private field (name: string) (challenge: string) =
    let parts = challenge.Substring("Digest ".Length).Split ','

    parts
    |> Array.tryPick (fun part ->
        match part.Trim().Split('=', 2) with
        | [| n; value |] when n = name -> Some(value.Trim '"')
        | _ -> None)
    |> Option.defaultValue ""

/// The value of Authorization or Proxy-Authorization for a request.
let answer (user: string) (password: string) (method: string) (uri: string) (challenge: string) =
    let realm = field "realm" challenge
    let nonce = field "nonce" challenge
    let algorithm = field "algorithm" challenge
    let cnonce = Guid.NewGuid().ToString "N"
    let ha1 = hash algorithm $"{user}:{realm}:{password}"
    let ha2 = hash algorithm $"{method}:{uri}"
    let response = hash algorithm $"{ha1}:{nonce}:00000001:{cnonce}:auth:{ha2}"

    $"Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", "
    + $"response=\"{response}\", algorithm={algorithm}, qop=auth, nc=00000001, cnonce=\"{cnonce}\""
