// Return: a response as it goes back (RFC 3261 §16.7 steps 3, 8 and 9, §18.2.2): our Via comes off,
// the callee's Contact is named by its flow, and the way is that of the request, never an address
// that the response itself names.

namespace Sip.Routing

open Sip
open Sip.Wire

/// Rewriting responses.
[<RequireQualifiedAccess>]
module Return =

    let private dropTopVia (response: Message) : Edit list =
        let field = Message.field HeaderName.Via response
        let end' = Values.endOfFirst response.Bytes field.Value.Start field.Value.End

        if end' < field.Value.End then
            [ Patch.replace (Slice.between field.Value.Start (end' + 1)) "" ]
        else
            [ Patch.removeField field ]

    /// Whether a Via is left for the response to follow once ours is off.
    let hasFurther (response: Message) : bool =
        List.length (Message.values HeaderName.Via response) > 1

    let private contentLength (back: Flow) (response: Message) : Edit list =
        match back.Transport with
        | Transport.Tcp
        | Transport.Tls when not (Message.value HeaderName.ContentLength response).IsThere ->
            [
                Patch.fieldAtEnd response HeaderName.ContentLength (string response.Body.Length)
            ]
        | Transport.Tcp
        | Transport.Tls
        | Transport.Udp
        | Transport.Ws
        | Transport.Wss -> []

    /// The bytes of a response that came on one flow and goes back on another.
    let bytes (realm: Realm) (came: Flow) (back: Flow) (response: Message) : byte[] =
        let edits =
            dropTopVia response
            @ ContactAlias.put realm came response
            @ contentLength back response

        Patch.apply response edits
