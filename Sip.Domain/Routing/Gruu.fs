// Gruu: URIs that reach one instance of a user's agents from anywhere: the public one, which is the
// address of record with `gr=<instance>`, and temporary ones, whose user part only we can read
// (RFC 5627 §5). A GRUU in a Contact is found by instance, so it needs no alias and survives a flow.

namespace Sip.Routing

open System
open System.Buffers.Binary
open System.Security.Cryptography
open Sip
open Sip.Wire
open Sip.Registrar

/// What a URI with a `gr` parameter stands for.
[<RequireQualifiedAccess>]
type Gruu =
    | Public of Of: SipUri * Instance: string
    /// Instance and epoch as digests: all that is needed to know them again.
    | Temporary of Of: SipUri * Instance: uint64 * Epoch: uint64
    /// It has a `gr` that we did not give out.
    | Unknown

/// What a request for a GRUU reaches.
[<RequireQualifiedAccess>]
type Reach =
    | Instance of Target: Sip.Registrar.Target
    /// The GRUU is good, and nobody is there now: 480.
    | Nobody
    /// The GRUU is not, or no longer, one: 404.
    | Invalid

/// How requests for a contact leave us.
[<RequireQualifiedAccess; Struct>]
type Leaving =
    /// By the connection that its REGISTER came by, whatever the contact says.
    | ByConnection
    | ByAddress

/// Whether a contact may be bound to an instance.
[<RequireQualifiedAccess; Struct>]
type Admitted =
    | Bind
    /// It leads back to the address of record: 403.
    | Loops
    /// It is no SIP URI: 403.
    | NotSip

/// Issuing and reading GRUUs.
[<RequireQualifiedAccess>]
module Gruu =
    let private purpose = "gruu"
    let private parameter = "gr"

    // Epoch, instance, CSeq, length of the address, then the address itself without its scheme: 26
    // letters of it fit into one block, and all such GRUUs are of one length.
    let private headLength = 22
    let private scheme = "sip:"
    let private block = 48

    let private mark (texts: string list) : uint64 =
        let joined = Text.toBytes (String.Join("\000", texts))
        BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(SHA256.HashData joined, 0, 8))

    let private instanceMark (instance: string) = mark [ instance ]

    let private epochMark (epoch: Epoch) =
        mark [ epoch.CallId; string epoch.First; string epoch.Since.Milliseconds ]

    // paramchar of RFC 3261 §25.1; anything else in a URN is escaped.
    let private isParameterChar (c: char) =
        Char.IsAsciiLetterOrDigit c || "[]/:&+$-_.!~*'()".Contains c

    let private escape (text: string) =
        let spell (c: char) =
            if isParameterChar c then
                string c
            else
                String.Concat("%", (int c).ToString "X2")

        Seq.map spell text |> String.Concat

    let private plain (aor: SipUri) : SipUri =
        { aor with
            Scheme = Scheme.Sip
            Password = ValueNone
            Parameters = []
            Headers = []
        }

    /// The public GRUU of an instance: the address of record as its user writes it, with `gr`.
    let publicUri (aor: SipUri) (instance: string) : SipUri =
        { plain aor with
            Parameters =
                [
                    {
                        Name = parameter
                        Value = ValueSome(escape instance)
                    }
                ]
        }

    let private content (aor: SipUri) (instance: string) (epoch: Epoch) (cseq: uint32) =
        let address = Text.toBytes ((Uri.printSip (plain aor)).Substring scheme.Length)
        let whole = headLength + address.Length
        let content = Array.zeroCreate<byte>((whole + block - 1) / block * block)
        BinaryPrimitives.WriteUInt64BigEndian(Span(content, 0, 8), epochMark epoch)
        BinaryPrimitives.WriteUInt64BigEndian(Span(content, 8, 8), instanceMark instance)
        BinaryPrimitives.WriteUInt32BigEndian(Span(content, 16, 4), cseq)
        BinaryPrimitives.WriteUInt16BigEndian(Span(content, 20, 2), uint16 address.Length)
        address.CopyTo(content, headLength)
        content

    /// The temporary GRUU that the REGISTER with this CSeq gets: each refresh another one, and by
    /// nothing but the length of a long address can two be seen to belong together.
    let temporaryUri
        (keys: Keyring)
        (aor: SipUri)
        (instance: string)
        (epoch: Epoch)
        (cseq: uint32)
        : SipUri =
        { plain aor with
            User = ValueSome(Keyring.conceal keys purpose (content aor instance epoch cseq))
            Parameters = [ { Name = parameter; Value = ValueNone } ]
        }

    let private decode (content: byte[]) : Gruu =
        let long (at: int) =
            BinaryPrimitives.ReadUInt64BigEndian(ReadOnlySpan(content, at, 8))

        let length =
            int (BinaryPrimitives.ReadUInt16BigEndian(ReadOnlySpan(content, 20, 2)))

        let address = Text.ofBytes (ReadOnlySpan(content, headLength, length))

        match UriView.ofText (String.Concat(scheme, address)) with
        | ValueSome(Uri.Sip aor) -> Gruu.Temporary(aor, long 8, long 0)
        | ValueSome _
        | ValueNone -> Gruu.Unknown

    let private reveal (keys: Keyring) (uri: SipUri) : Gruu =
        match uri.User |> ValueOption.bind (Keyring.tryReveal keys purpose) with
        | ValueSome content -> decode content
        | ValueNone -> Gruu.Unknown

    /// What the `gr` of a URI stands for; none where there is no `gr`.
    let read (keys: Keyring) (uri: SipUri) : Gruu voption =
        match Parameters.tryFind parameter uri.Parameters with
        | ValueNone -> ValueNone
        | ValueSome { Value = ValueSome written } ->
            match Offer.instance (Escape.decode written) with
            | ValueSome instance -> ValueSome(Gruu.Public(plain uri, instance))
            | ValueNone -> ValueSome Gruu.Unknown
        | ValueSome { Value = ValueNone } -> ValueSome(reveal keys uri)

    // §6.1: the most recently refreshed contact first, the others of the instance for a 408 or 430.
    let private reach (now: Instant) (isIt: string -> bool) (bindings: Bindings) =
        let ofInstance (binding: Binding) =
            match binding.Instance with
            | ValueSome instance -> isIt instance
            | ValueNone -> false

        match Bindings.current now bindings |> List.filter ofInstance |> List.rev with
        | first :: spare -> ValueSome { First = first; Spare = spare }
        | [] -> ValueNone

    /// What a GRUU reaches among the bindings of its address of record.
    let resolve (now: Instant) (bindings: Bindings) (epochs: Epochs) (gruu: Gruu) : Reach =
        match gruu with
        | Gruu.Unknown -> Reach.Invalid
        | Gruu.Public(_, instance) ->
            match reach now ((=) instance) bindings with
            | ValueSome target -> Reach.Instance target
            | ValueNone -> Reach.Nobody
        | Gruu.Temporary(_, instance, epoch) ->
            // §5.3: once the last contact is gone, a temporary GRUU is no GRUU any more.
            let isIt candidate =
                instanceMark candidate = instance
                && (match Epochs.tryFind candidate epochs with
                    | ValueSome current -> epochMark current = epoch
                    | ValueNone -> false)

            match reach now isIt bindings with
            | ValueSome target -> Reach.Instance target
            | ValueNone -> Reach.Invalid

    let private quoted name uri : Parameter =
        {
            Name = name
            Value = ValueSome(String.Concat("\"", Uri.printSip uri, "\""))
        }

    let private newest (instance: string) (bindings: Bindings) =
        Bindings.toList bindings
        |> List.tryFindBack (fun b -> b.Instance = ValueSome instance)

    /// A Contact of the 200 to a REGISTER that supports `gruu`, with the GRUUs of its instance. What
    /// the client itself said there is not looked at (§5.1).
    let answer
        (keys: Keyring)
        (aor: SipUri)
        (bindings: Bindings)
        (epochs: Epochs)
        (contact: NameAddr)
        : NameAddr =
        let bare =
            contact.Parameters
            |> Parameters.remove "pub-gruu"
            |> Parameters.remove "temp-gruu"

        let granted: Parameters =
            match Parameters.value "+sip.instance" bare |> ValueOption.bind Offer.instance with
            | ValueNone -> []
            | ValueSome instance ->
                let temporary =
                    match Epochs.tryFind instance epochs, newest instance bindings with
                    | ValueSome epoch, Some last ->
                        [ quoted "temp-gruu" (temporaryUri keys aor instance epoch last.CSeq) ]
                    | ValueSome _, None
                    | ValueNone, _ -> []

                quoted "pub-gruu" (publicUri aor instance) :: temporary

        { contact with
            Parameters = bare @ granted
        }

    let private isOf (aor: SipUri) (gruu: Gruu) =
        match gruu with
        | Gruu.Public(owner, _)
        | Gruu.Temporary(owner, _, _) -> Aor.ofSip owner = Aor.ofSip aor
        | Gruu.Unknown -> false

    /// Whether a contact with an instance may be bound to an address of record. A GRUU of that very
    /// address is what some browsers' stacks register; down a connection it leads to the client all
    /// the same, and only where its address counts would it lead in a circle.
    let admit (keys: Keyring) (aor: SipUri) (leaving: Leaving) (contact: Uri) : Admitted =
        match contact with
        | Uri.Tel _
        | Uri.Other _ -> Admitted.NotSip
        | Uri.Sip uri ->
            match read keys uri, leaving with
            | ValueNone, _ ->
                if Uri.sameSip uri (plain aor) then
                    Admitted.Loops
                else
                    Admitted.Bind
            | ValueSome gruu, Leaving.ByAddress when isOf aor gruu -> Admitted.Loops
            | ValueSome _, (Leaving.ByConnection | Leaving.ByAddress) -> Admitted.Bind
