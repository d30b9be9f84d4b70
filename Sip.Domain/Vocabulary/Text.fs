// Text: how wire text is held and compared.
// SIP is bytes; where a noun needs a string it holds one Latin-1 character a byte, so that
// nothing is lost and nothing is decoded that routing does not understand (RFC 3261 §7.3.1).

namespace Sip

open System
open System.Buffers
open System.Text

/// A builder that a thread prints one text after another with. HOT.
[<Sealed; AbstractClass>]
type internal Printer private () =
    // What has printed one long text is not kept for it.
    static let most = 4096

    [<ThreadStatic; DefaultValue>]
    static val mutable private spare: StringBuilder | null

    /// An empty builder, for whoever gives it back by `Finish`.
    static member Begin() : StringBuilder =
        match Printer.spare with
        | null -> StringBuilder 256
        | builder ->
            Printer.spare <- null
            builder

    /// What was printed.
    static member Finish(builder: StringBuilder) : string =
        let text = builder.ToString()

        if builder.Capacity <= most then
            Printer.spare <- builder.Clear()

        text

/// Wire text as Latin-1 strings, compared the way SIP compares tokens.
[<RequireQualifiedAccess>]
module Text =

    /// The string that holds these bytes, one character a byte.
    let ofBytes (bytes: ReadOnlySpan<byte>) : string = Encoding.Latin1.GetString bytes

    /// The bytes that this wire text stands for.
    let toBytes (text: string) : byte[] = Encoding.Latin1.GetBytes text

    /// An ASCII letter in lower case, any other byte as it is.
    let lower (octet: byte) : byte =
        if octet >= 'A'B && octet <= 'Z'B then
            octet ||| 0x20uy
        else
            octet

    /// Whether two byte strings are the same token: ASCII letters of either case are equal.
    let same (left: ReadOnlySpan<byte>) (right: ReadOnlySpan<byte>) : bool =
        Ascii.EqualsIgnoreCase(left, right)

    /// Whether bytes are the token that a string is: ASCII letters of either case are equal.
    let spells (token: string) (bytes: ReadOnlySpan<byte>) : bool =
        Ascii.EqualsIgnoreCase(bytes, token.AsSpan())

    let private fold (c: char) : char =
        if c >= 'A' && c <= 'Z' then char (int c ||| 0x20) else c

    /// Whether two strings are the same token: ASCII letters of either case are equal.
    let sameText (left: string) (right: string) : bool =
        let mutable same = left.Length = right.Length
        let mutable i = 0

        while same && i < left.Length do
            same <- left[i] = right[i] || fold left[i] = fold right[i]
            i <- i + 1

        same

    // token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~" )
    let private tokenOctets =
        [|
            yield! [| 'a'B .. 'z'B |]
            yield! [| 'A'B .. 'Z'B |]
            yield! [| '0'B .. '9'B |]
            yield! "-.!%*_+`'~"B
        |]

    let private isTokenOctet =
        Array.init 256 (fun octet -> Array.contains (byte octet) tokenOctets)

    /// The bytes that may stand in a token (RFC 3261 §25.1).
    let token: SearchValues<byte> = SearchValues.Create(ReadOnlySpan tokenOctets)

    /// Whether a byte may stand in a token (RFC 3261 §25.1).
    let isToken (octet: byte) : bool = isTokenOctet[int octet]

    /// Whether a byte is linear white space; CR and LF stand in a value only where it is folded.
    let isSpace (octet: byte) : bool =
        octet = ' 'B || octet = '\t'B || octet = '\r'B || octet = '\n'B

    // RFC 3261 §25.1: "All linear white space, including folding, has the same semantics as SP."
    /// The text with every fold, and the white space around it, as one space: no noun holds a CRLF.
    let unfold (text: string) : string =
        if text.AsSpan().IndexOfAny('\r', '\n') < 0 then
            text
        else
            let out = StringBuilder text.Length
            let mutable i = 0

            while i < text.Length do
                let mutable end' = i
                let mutable folded = false

                while end' < text.Length && text[end'] < '\u0080' && isSpace (byte text[end']) do
                    folded <- folded || text[end'] = '\r' || text[end'] = '\n'
                    end' <- end' + 1

                if folded then
                    out.Append ' ' |> ignore
                    i <- end'
                else
                    let next = max end' (i + 1)
                    out.Append(text, i, next - i) |> ignore
                    i <- next

            out.ToString()
