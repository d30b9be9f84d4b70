// AuthenticationInfo: what shows a client that whoever answers knows its user's key, too
// (RFC 7616 §3.5 rspauth, RFC 8760 §2.5). It is computed when it is printed, for who prints none.

namespace Sip.Identity

open Sip

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
        let out = Printer.Begin()
        AuthParams.appendQuoted out "rspauth" (rspauth ())

        match credentials.Protection with
        | Protection.NonceOnly -> ()
        | Protection.Counted(qop, count, cnonce) ->
            out.Append(", qop=").Append(Qop.print qop).Append(", ") |> ignore
            AuthParams.appendQuoted out "cnonce" cnonce
            out.Append(", nc=").Append count.Written |> ignore

        Printer.Finish out

    override _.ToString() = "(an Authentication-Info)"
