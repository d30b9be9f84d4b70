// AuthenticationInfo: what shows a client that whoever answers knows its user's key, too
// (RFC 7616 §3.5 rspauth, RFC 8760 §2.5). It is computed when it is printed, for who prints none.

namespace Sip.Identity

open System

/// The proof that a proven user is owed.
[<Sealed>]
type AuthenticationInfo internal (key: Ha1, credentials: Credentials) =

    // A2 = ":" request-uri: the same as the client's, without the method.
    let rspauth () =
        Digest.response
            key
            {
                Method = ""
                Uri = credentials.Uri
                Nonce = credentials.Nonce
                Protection = credentials.Protection
            }

    /// The value of Authentication-Info.
    member _.Print() : string =
        let proof = AuthParams.quoted "rspauth" (rspauth ())

        match credentials.Protection with
        | Protection.NonceOnly -> proof
        | Protection.Counted(qop, count, cnonce) ->
            String.Join(
                ", ",
                [|
                    proof
                    AuthParams.bare "qop" (Qop.print qop)
                    AuthParams.quoted "cnonce" cnonce
                    AuthParams.bare "nc" count.Written
                |]
            )

    override _.ToString() = "(an Authentication-Info)"
