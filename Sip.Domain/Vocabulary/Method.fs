// Method: what a request asks (RFC 3261 §7.1). Names are compared with case (RFC 3261 §7.1).

namespace Sip

open System

/// The methods that routing tells apart; any other keeps its own name in the message.
[<RequireQualifiedAccess; Struct>]
type Method =
    | Invite
    | Ack
    | Bye
    | Cancel
    | Register
    | Options
    | Message
    | Subscribe
    | Notify
    | Refer
    | Update
    | Info
    | Prack
    | Publish
    | Other

/// Spellings of methods.
[<RequireQualifiedAccess>]
module Method =

    /// Every method that has a name of its own here.
    let known: (Method * string) list =
        [
            Method.Invite, "INVITE"
            Method.Ack, "ACK"
            Method.Bye, "BYE"
            Method.Cancel, "CANCEL"
            Method.Register, "REGISTER"
            Method.Options, "OPTIONS"
            Method.Message, "MESSAGE"
            Method.Subscribe, "SUBSCRIBE"
            Method.Notify, "NOTIFY"
            Method.Refer, "REFER"
            Method.Update, "UPDATE"
            Method.Info, "INFO"
            Method.Prack, "PRACK"
            Method.Publish, "PUBLISH"
        ]

    let private spelled =
        known
        |> List.map (fun (m, name) -> struct (m, Text.toBytes name))
        |> List.toArray

    /// The method that these bytes name.
    let ofBytes (name: ReadOnlySpan<byte>) : Method =
        let mutable found = Method.Other
        let mutable i = 0

        while i < spelled.Length do
            let struct (method, spelling) = spelled[i]

            if name.SequenceEqual(ReadOnlySpan spelling) then
                found <- method
                i <- spelled.Length
            else
                i <- i + 1

        found
