// Judging: whether a head whose fields have been found is one of a message (RFC 3261 §8.1.1, §16.3 step 1):
// what must be there is there, what must be alone is alone, and what an answer depends on can be read. HOT.

namespace Sip.Wire

open System
open Sip

/// Judging heads.
[<RequireQualifiedAccess>]
module Judging =

    let private required =
        [|
            HeaderName.Via
            HeaderName.From
            HeaderName.To
            HeaderName.CallId
            HeaderName.CSeq
        |]

    /// How many servers a message may have come by: as many as Max-Forwards lets it (RFC 3261 §8.1.1.6).
    let mostVias = 70

    let private bit (name: HeaderName) = 1u <<< HeaderName.place name

    // The rules of counting as sets of bits, for the messages that keep them.
    let private requiredBits =
        Array.fold (fun bits name -> bits ||| bit name) 0u required

    let private singleBits =
        HeaderName.spellings
        |> List.filter (fun (name, _) -> HeaderName.isSingle name)
        |> List.fold (fun bits (name, _) -> bits ||| bit name) 0u

    let private fault wrong place : Fault voption =
        ValueSome { Wrong = wrong; Place = place }

    let private countsAreRight (message: Message) =
        let mutable seen = 0u
        let mutable twice = 0u

        for place in 0 .. HeaderName.count - 1 do
            let bit = 1u <<< place

            if message.First[place] > 0 then
                seen <- seen ||| bit

            if message.First[place] <> message.Last[place] then
                twice <- twice ||| bit

        seen &&& requiredBits = requiredBits && twice &&& singleBits = 0u

    /// The first field that must be there and is not, or that must be alone and is not.
    let internal countFault (message: Message) (headEnd: int) : Fault voption =
        if countsAreRight message then
            ValueNone
        else
            let mutable found = ValueNone
            let mutable i = 0

            while found.IsNone && i < required.Length do
                if not (Message.value required[i] message).IsThere then
                    found <- fault (Wrong.Missing required[i]) headEnd

                i <- i + 1

            let mutable j = 0

            while found.IsNone && j < message.Count do
                let field = message.Table[j]

                if HeaderName.isSingle field.Name && field.Next >= 0 then
                    found <- fault (Wrong.Repeated field.Name) field.Line.Start

                j <- j + 1

            found

    // CSeq = "CSeq" HCOLON 1*DIGIT LWS Method ; the number is less than 2**31 (RFC 3261 §8.1.1.5)
    let private cseqFault (message: Message) (all: ReadOnlySpan<byte>) (cseq: Slice) =
        let digitsEnd = Slice.skipToken all cseq.Start cseq.End
        let number = Slice.number all (Slice.between cseq.Start digitsEnd)
        let nameStart = Slice.skipSpace all digitsEnd cseq.End
        let nameEnd = Slice.skipToken all nameStart cseq.End

        if
            number < 0L
            || number >= 2147483648L
            || nameStart = digitsEnd
            || nameEnd = nameStart
            || nameEnd <> cseq.End
        then
            fault (Wrong.Malformed HeaderName.CSeq) cseq.Start
        else
            match message.StartLine with
            | StartLine.Request(_, name, _) when
                not (all.Slice(nameStart, nameEnd - nameStart).SequenceEqual(Slice.bytes all name))
                ->
                fault Wrong.OtherMethodInCSeq nameStart
            | StartLine.Request _
            | StartLine.Response _ -> ValueNone

    let private malformed (field: Field) =
        fault (Wrong.Malformed field.Name) field.Value.Start

    // What is read here is remembered, for it will be asked for.
    let private addressFault (message: Message) (all: ReadOnlySpan<byte>) (field: Field) =
        match AddressView.read all field.Value with
        | ValueNone -> malformed field
        | ValueSome address when field.Name = HeaderName.To ->
            message.ToTag <- address.Tag
            message.HasToTag <- true
            ValueNone
        | ValueSome address ->
            message.FromTag <- address.Tag
            message.HasFromTag <- true
            ValueNone

    // Whoever comes first stays: the top Via is the one that is asked for.
    let private remember (message: Message) (via: ViaView voption) =
        if not message.HasVia then
            message.Via <- via
            message.HasVia <- true

    // A response goes back along those below ours, so that each of them has to be one.
    let private viaFault (message: Message) (all: ReadOnlySpan<byte>) (field: Field) =
        let mutable found = ValueNone
        let mutable at = field.Value.Start

        while found.IsNone && at <= field.Value.End do
            let stop = Values.endOfFirst all at field.Value.End
            let via = ViaView.read all (Slice.between at stop)
            message.ViaCount <- message.ViaCount + 1
            at <- stop + 1

            match via with
            | ValueNone -> found <- malformed field
            | ValueSome view ->
                remember message via

                if not (HostView.isHost (Slice.bytes all view.Host)) then
                    found <- malformed field
                elif message.ViaCount > mostVias then
                    found <- fault Wrong.TooManyVias field.Value.Start

        found

    /// What is wrong with one field's value, for the fields that every message is judged by.
    let private valueFault (message: Message) (all: ReadOnlySpan<byte>) (field: Field) =
        match field.Name with
        | HeaderName.From
        | HeaderName.To -> addressFault message all field
        | HeaderName.Via -> viaFault message all field
        | HeaderName.CallId ->
            if field.Value.Length = 0 then
                malformed field
            else
                ValueNone
        | HeaderName.CSeq -> cseqFault message all field.Value
        | HeaderName.MaxForwards ->
            let hops = Slice.number all field.Value

            if hops < 0L || hops > 255L then
                malformed field
            else
                ValueNone
        | HeaderName.ContentLength ->
            if Slice.number all field.Value < 0L then
                malformed field
            else
                ValueNone
        | HeaderName.Route
        | HeaderName.RecordRoute
        | HeaderName.Contact
        | HeaderName.ContentType
        | HeaderName.Expires
        | HeaderName.Require
        | HeaderName.ProxyRequire
        | HeaderName.Supported
        | HeaderName.Path
        | HeaderName.Reason
        | HeaderName.Authorization
        | HeaderName.ProxyAuthorization
        | HeaderName.WwwAuthenticate
        | HeaderName.ProxyAuthenticate
        | HeaderName.Timestamp
        | HeaderName.MaxBreadth
        | HeaderName.RequestDisposition
        | HeaderName.AcceptContact
        | HeaderName.RejectContact
        | HeaderName.PAssertedIdentity
        | HeaderName.PPreferredIdentity
        | HeaderName.RemotePartyId
        | HeaderName.Diversion
        | HeaderName.HistoryInfo
        | HeaderName.Other -> ValueNone

    let internal firstFault (message: Message) (all: ReadOnlySpan<byte>) headEnd =
        let mutable found = countFault message headEnd
        let mutable i = 0

        while found.IsNone && i < message.Count do
            found <- valueFault message all message.Table[i]
            i <- i + 1

        found
