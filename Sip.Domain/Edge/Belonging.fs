// Belonging: which shard works on a message. The bindings of a user have one writer, whoever brings the
// REGISTER, and who watches them is there, too (RFC 3680); all that comes by datagram of one Call-ID meets in one shard, whatever port it comes from: what
// is sent again, its ACK and CANCEL (RFC 3261 §17.2.3), and the answer to a challenge (§22.2). What comes on a
// connection stays there, and a response goes where the branch was written.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing

/// Finding the shard of a message.
[<RequireQualifiedAccess>]
module Belonging =

    let private among (station: Station) (bytes: ReadOnlySpan<byte>) : int =
        int ((Prf.hash station.ShardKey bytes).First % uint64 station.Sharding.Count)

    /// The shard that alone changes the bindings of a user.
    let ofAor (station: Station) (aor: string) : int =
        among station (ReadOnlySpan(Text.toBytes aor))

    /// Whether that is this one.
    let isOwn (station: Station) (aor: string) : bool =
        station.Sharding.Count = 1 || ofAor station aor = station.Sharding.Number

    let private ofRegister (station: Station) (request: Message) : int =
        match Registration.target request with
        | ValueSome target -> ofAor station (Registration.aor station.Realm target).Key
        // It is refused, anywhere.
        | ValueNone -> station.Sharding.Number

    let private ofUser (station: Station) (request: Message) (uri: UriView) : int =
        match UriView.toUri request.Bytes uri with
        | ValueSome(Uri.Sip user) -> ofAor station (Registration.aor station.Realm user).Key
        | ValueSome _
        | ValueNone -> station.Sharding.Number

    let private ofBranch (station: Station) (response: Message) : int =
        let shard = Branch.shardOf (Key.ofBranch response)

        if shard < station.Sharding.Count then
            shard
        else
            station.Sharding.Number

    let private ofShared (station: Station) (flow: Flow) (message: Message) : int =
        match message.Start with
        | StartLine.Response _ -> ofBranch station message
        | StartLine.Request(Method.Register, _, _) -> ofRegister station message
        | StartLine.Request(Method.Subscribe, _, uri) when Watch.isReg message ->
            ofUser station message uri
        | StartLine.Request _ when Flow.isConnection flow -> station.Sharding.Number
        | StartLine.Request _ ->
            among station (message.Slice(Message.value HeaderName.CallId message))

    /// The shard that works on a message which came on this flow.
    let ofMessage (station: Station) (flow: Flow) (message: Message) : int =
        if station.Sharding.Count = 1 then
            station.Sharding.Number
        else
            ofShared station flow message
