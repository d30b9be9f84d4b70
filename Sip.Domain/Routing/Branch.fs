// Branch: branches and tags derived from the secret and the message, never drawn, and how a loop is
// seen (RFC 3261 §16.3 step 4, §16.6 step 8; RFC 5393 §4.2). HOT: each is one pass of a keyed hash.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// Deriving branches and tags.
[<RequireQualifiedAccess>]
module Branch =

    let private digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"B

    /// The characters that eight bytes take.
    let private wordLength = 11

    let private put (out: Octets) (word: uint64) : unit =
        let room = out.Room wordLength

        for i in 0 .. wordLength - 1 do
            room[i] <- digits[int (word >>> (6 * i)) &&& 63]

        out.Advance wordLength

    let private says (text: ReadOnlySpan<byte>) (word: uint64) : bool =
        let mutable same = text.Length = wordLength
        let mutable i = 0

        while same && i < wordLength do
            same <- text[i] = digits[int (word >>> (6 * i)) &&& 63]
            i <- i + 1

        same

    let private addFields (state: byref<PrfState>) (message: Message) (name: HeaderName) =
        let mutable field = Message.field name message
        let mutable going = field.Value.IsThere

        while going do
            state.Part(message.Slice field.Value)
            going <- field.Next >= 0

            if going then
                field <- message.Fields[field.Next]

    // RFC 5393 §4.2.1: the loop part covers every field that routing depends on, and not the method: a
    // CANCEL has the branch of what it cancels.
    let private loopPart (station: Station) (message: Message) : uint64 =
        let mutable state = PrfState station.LoopKey

        match message.Start with
        | StartLine.Request(_, _, uri) -> state.Part(message.Slice uri.Whole)
        | StartLine.Response _ -> ()

        state.Part(message.Slice(Message.fromTag message))
        state.Part(message.Slice(Message.toTag message))
        addFields &state message HeaderName.CallId
        state.Word(uint64 (Message.sequence message))
        addFields &state message HeaderName.Route
        addFields &state message HeaderName.ProxyRequire
        addFields &state message HeaderName.RequestDisposition
        addFields &state message HeaderName.AcceptContact
        addFields &state message HeaderName.RejectContact
        state.Finish().First

    // The byte of a mark in which its shard stands; the others are hash enough.
    let private shardBits = 0xFFUL

    /// What identifies the branch of the request forwarded for a transaction; each of its targets has
    /// an index of its own.
    let mark (station: Station) (transaction: Mark) (index: int) : Mark =
        let mutable state = PrfState station.BranchKey
        state.Word transaction.First
        state.Word transaction.Second
        state.Word(uint64 index)
        let hash = state.Finish()

        { hash with
            Second = (hash.Second &&& ~~~shardBits) ||| uint64 station.Sharding.Number
        }

    /// The shard that wrote a branch of ours.
    let shardOf (branch: Mark) : int = int (branch.Second &&& shardBits)

    // The value of each digit, 64 for what is none.
    let private values =
        Array.init 256 (fun octet ->
            match Array.IndexOf(digits, byte octet) with
            | -1 -> 64uy
            | value -> byte value)

    /// The eight bytes that these characters are; what no eight bytes make is 0.
    let private wordOf (text: ReadOnlySpan<byte>) : uint64 =
        let mutable word = 0UL
        let mutable sound = true

        for i in wordLength - 1 .. -1 .. 0 do
            let value = values[int text[i]]
            sound <- sound && value < 64uy
            word <- (word <<< 6) ||| uint64 value

        // The last character holds but four bits.
        if sound && values[int text[wordLength - 1]] < 16uy then
            word
        else
            0UL

    /// What identifies a branch of ours; of one that is not, a mark that nothing has.
    let markOf (branch: ReadOnlySpan<byte>) : Mark =
        let unique = ViaView.cookie.Length

        if branch.Length = unique + 3 * wordLength + 1 then
            {
                First = wordOf (branch.Slice(unique, wordLength))
                Second = wordOf (branch.Slice(unique + wordLength, wordLength))
            }
        else
            { First = 0UL; Second = 0UL }

    /// Puts what follows the cookie in the branch of the request forwarded for a transaction.
    let derive
        (station: Station)
        (transaction: Mark)
        (index: int)
        (received: Message)
        (out: Octets)
        : unit =
        let unique = mark station transaction index
        put out unique.First
        put out unique.Second
        out.Put '.'B
        put out (loopPart station received)

    /// Puts what follows the cookie in the branch of a request of our own, which comes back by no loop.
    let own (mark: Mark) (out: Octets) : unit =
        put out mark.First
        put out mark.Second
        out.Put '.'B
        put out 0UL

    // How often a request may come back, changed on its way. Whoever forwards to a forwarder who forwards needs no more, and
    // each time more would fork once more: within a breadth of 60 (RFC 5393 §5) a request to ten users who are bound to each
    // other becomes 10 + 60 + 60 at most.
    let private returns = 3

    /// Whether this request has been here before with nothing changed that routing depends on, or too often.
    let hasLooped (station: Station) (message: Message) : bool =
        let mutable looped = false
        let mutable returned = 0
        let mutable at = Message.first HeaderName.Via message

        while not looped && at.Value.IsThere do
            match ViaView.read message.Bytes at.Value with
            | ValueSome via when Station.wrote station message.Bytes via ->
                let branch = message.Slice(via.Branch)
                returned <- returned + 1

                looped <-
                    returned >= returns
                    || branch.Length > wordLength
                       && branch[branch.Length - wordLength - 1] = '.'B
                       && says (branch.Slice(branch.Length - wordLength)) (loopPart station message)
            | ValueSome _
            | ValueNone -> ()

            at <- Message.next message at

        looped

    let private tagOf (station: Station) (request: Message) : Mark =
        let mutable state = PrfState station.TagKey
        state.Part(request.Slice(Message.firstValue HeaderName.Via request))
        state.Part(request.Slice(Message.value HeaderName.CallId request))
        state.Finish()

    /// Puts the To tag of our own answers to this request: the same request always gets the same.
    let tag (station: Station) (request: Message) (out: Octets) : unit =
        let mark = tagOf station request
        put out mark.First
        put out mark.Second

    /// Whether a request has in its To the tag of our own answer to it.
    let isTagged (station: Station) (request: Message) : bool =
        let tag = request.Slice(Message.toTag request)
        let mark = tagOf station request

        tag.Length = 2 * wordLength
        && says (tag.Slice(0, wordLength)) mark.First
        && says (tag.Slice wordLength) mark.Second
