// Turn: a login to a TURN server that shares a secret with us (draft-uberti-behave-turn-rest-00 §2.2,
// coturn's static-auth-secret). HMAC-SHA-1 is what that form demands.

namespace Sip.Identity

open System
open System.Globalization
open System.Security.Cryptography
open System.Text
open Sip

/// A name and its password, as an ICE server takes them.
type TurnLogin =
    { Username: string; Credential: string }

/// Making logins.
[<RequireQualifiedAccess>]
module Turn =

    /// The login of this user until then.
    let login (secret: Secret) (until: int64<s>) (user: string) : TurnLogin =
        let seconds = (int64 until).ToString CultureInfo.InvariantCulture
        let username = String.Concat(seconds, ":", user)
        let hash = HMACSHA1.HashData(secret.Bytes, Encoding.UTF8.GetBytes username)

        {
            Username = username
            Credential = Convert.ToBase64String hash
        }
