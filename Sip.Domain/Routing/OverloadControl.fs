// OverloadControl: what two neighbours tell each other in the Via between them: the client that it takes part, the
// server which share of the requests shall not come (RFC 7339 §4). Configured peers only: what anybody else writes
// there comes off and counts for nothing.

namespace Sip.Routing

open System
open System.Buffers.Text
open Sip
open Sip.Wire

/// Whether whoever sends on a flow takes part in overload control (RFC 7339 §5.10.2).
[<RequireQualifiedAccess; Struct>]
type Participation =
    | Abstains
    | Participates

/// What a server asks of its client.
[<Struct>]
type Feedback =
    {
        /// Of a hundred requests so many shall not come.
        Loss: int
        /// For how long.
        Validity: int64<ms>
        /// In hundred-thousandths; what is said later has more.
        Sequence: int64
    }

/// What this server asks of its neighbours now, as it stands in their Via.
[<Sealed>]
type Asked() =
    /// The parameters.
    member val Text: byte[] = [||] with get, set

/// Reading and writing the parameters.
[<RequireQualifiedAccess>]
module OverloadControl =

    let private oc = "oc"B
    let private algorithm = "oc-algo"B
    let private validity = "oc-validity"B
    let private sequence = "oc-seq"B
    let private loss = "loss"B

    /// What our Via offers; the loss-based scheme is the one that everybody has to know (§4.2).
    let offer = ";oc;oc-algo=\"loss\""B

    /// Where a server says nothing of it (§4.3).
    let usualValidity = 500L<ms>

    /// Whether a Via parameter belongs to overload control. HOT.
    let isParameter (name: ReadOnlySpan<byte>) : bool =
        name.Length >= oc.Length
        && Text.same (name.Slice(0, oc.Length)) oc
        && (name.Length = oc.Length
            || Text.same name algorithm
            || Text.same name validity
            || Text.same name sequence)

    // "loss", or "A,loss", with the quotes or without.
    let private listsLoss (list: ReadOnlySpan<byte>) : bool =
        let mutable rest = list.Trim "\""B
        let mutable found = false

        while not found && rest.Length > 0 do
            let comma = rest.IndexOf ','B
            let first = if comma < 0 then rest else rest.Slice(0, comma)
            found <- Text.same (first.Trim " \t"B) loss

            rest <-
                if comma < 0 then
                    ReadOnlySpan.Empty
                else
                    rest.Slice(comma + 1)

        found

    let private mayBeLoss (all: ReadOnlySpan<byte>) (via: ViaView) : bool =
        let named = ViaView.parameter all via algorithm
        named.Next < 0 || listsLoss (Slice.bytes all named.Value)

    /// Whether the sender of a request takes part, by a scheme that we know (§5.1).
    let participation (request: Message) : Participation =
        match Message.topVia request with
        | ValueSome via when
            (ViaView.parameter request.Bytes via oc).Next >= 0
            && mayBeLoss request.Bytes via
            ->
            Participation.Participates
        | ValueSome _
        | ValueNone -> Participation.Abstains

    // At most this many digits and nothing else; -1 where it is no such number.
    let private number (most: int) (text: ReadOnlySpan<byte>) : int64 =
        let mutable value = 0L
        let mutable used = 0

        if
            text.Length > 0
            && text.Length <= most
            && Char.IsAsciiDigit(char text[0])
            && Utf8Parser.TryParse(text, &value, &used)
            && used = text.Length
        then
            value
        else
            -1L

    let private fraction = [| 100_000L; 10_000L; 1_000L; 100L; 10L; 1L |]

    // oc-seq = 1*12DIGIT "." 1*5DIGIT, as a server that counts in whole numbers may write it, too.
    let private sequenceOf (text: ReadOnlySpan<byte>) : int64 =
        let dot = text.IndexOf '.'B

        if dot < 0 then
            match number 12 text with
            | -1L -> -1L
            | whole -> whole * fraction[0]
        else
            let digits = text.Slice(dot + 1)

            match number 12 (text.Slice(0, dot)), number 5 digits with
            | -1L, _
            | _, -1L -> -1L
            | whole, part -> whole * fraction[0] + part * fraction[digits.Length]

    let private valueOf (all: ReadOnlySpan<byte>) (via: ViaView) (name: ReadOnlySpan<byte>) =
        Slice.bytes all (ViaView.parameter all via name).Value

    /// What the server that wrote a response asks of us. What has no sequence number cannot be told from
    /// what came late, and is passed over like all that is not as §9 has it.
    let feedback (response: Message) : Feedback voption =
        match Message.topVia response with
        | ValueNone -> ValueNone
        | ValueSome via ->
            let all = response.Bytes

            let asked = number 3 (valueOf all via oc)
            let order = sequenceOf (valueOf all via sequence)
            let said = valueOf all via validity
            let lasts = if said.IsEmpty then int64 usualValidity else number 18 said

            if
                asked < 0L
                || asked > 100L
                || order < 0L
                || lasts < 0L
                || not (mayBeLoss all via)
            then
                ValueNone
            else
                ValueSome
                    {
                        Loss = int asked
                        Validity = lasts * 1L<ms>
                        Sequence = order
                    }

    /// What a server says, as parameters.
    let print (feedback: Feedback) : string =
        String.Concat(
            [|
                ";oc="
                string feedback.Loss
                ";oc-algo=\"loss\";oc-validity="
                string (int64 feedback.Validity)
                ";oc-seq="
                string (feedback.Sequence / fraction[0])
                "."
                (feedback.Sequence % fraction[0]).ToString "D5"
            |]
        )

    /// Makes the edits that take the parameters out of the Via values of a response but the first, which is ours;
    /// the next, which our neighbour wrote, says this instead (§5.4: nobody speaks for us).
    let replace (edits: Edits) (response: Message) (ours: ReadOnlySpan<byte>) : unit =
        let all = response.Bytes
        let mutable field = Message.field HeaderName.Via response
        let mutable from = field.Value.Start
        let mutable count = 0

        while field.Line.IsThere do
            let stop = Values.endOfFirst all from field.Value.End

            if count > 0 then
                match ViaView.read all (Slice.between from stop) with
                | ValueSome view ->
                    let mutable at = Slice.skipSpace all view.Parameters.Start view.Parameters.End

                    while at < view.Parameters.End do
                        let parameter = ParameterView.read all at view.Parameters.End

                        if isParameter (Slice.bytes all parameter.Name) then
                            Patch.remove edits (Slice.between at parameter.Next)

                        at <- parameter.Next

                    if count = 1 && ours.Length > 0 then
                        Patch.insert edits view.Parameters.End ours
                | ValueNone -> ()

            count <- count + 1
            from <- stop + 1

            if from > field.Value.End then
                field <-
                    if field.Next >= 0 then
                        response.Fields[field.Next]
                    else
                        Message.nowhere

                from <- field.Value.Start
