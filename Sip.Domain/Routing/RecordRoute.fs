// RecordRoute: our place on the way of a dialog (RFC 3261 §16.6 step 4): one Record-Route, or two when the
// request changes its listener or goes from one client's connection to another's (RFC 5658 §5, marked
// r2=on as the field does). A client's connection stands in its own by its token (RFC 5626 §5.3). HOT.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// What a listener writes after `Record-Route: <sip:` or `<sips:`, spelt in bytes; a half is one of two lines.
type RecordLine =
    {
        /// Whether a SIPS URI can name it.
        IsSecure: bool
        Whole: byte[]
        Half: byte[]
        /// What follows the token of a flow.
        WholeOfFlow: byte[]
        HalfOfFlow: byte[]
    }

/// How many lines are put on.
[<RequireQualifiedAccess; Struct>]
type private Lines =
    | One
    | Two

/// Recording our place on the way.
[<RequireQualifiedAccess>]
module RecordRoute =

    let private sip = "Record-Route: <sip:"B
    let private sips = "Record-Route: <sips:"B
    let private flag name : Parameter = { Name = name; Value = ValueNone }

    let private r2: Parameter = { Name = "r2"; Value = ValueSome "on" }

    /// The lines of a listener.
    let lineOf (listener: Listener) : RecordLine =
        let rest (parameters: Parameters) =
            let value =
                NameAddr.print (NameAddr.ofUri (Uri.Sip(Realm.routeUri listener parameters)))

            String.Concat(value.Substring "<sip:".Length, "\r\n")

        let ofFlow parameters =
            Text.toBytes (String.Concat("@", rest parameters))

        {
            IsSecure =
                match listener.Transport with
                | Transport.Tls
                | Transport.Wss -> true
                | Transport.Udp
                | Transport.Tcp
                | Transport.Ws -> false
            Whole = Text.toBytes (rest [ flag "lr" ])
            Half = Text.toBytes (rest [ r2; flag "lr" ])
            WholeOfFlow = ofFlow [ flag "lr"; flag "ob" ]
            HalfOfFlow = ofFlow [ r2; flag "lr"; flag "ob" ]
        }

    // §16.6 step 4: a SIPS request is recorded by a SIPS URI. What has no TLS cannot be found by one.
    let private opening (scheme: Scheme) (line: RecordLine) =
        match scheme with
        | Scheme.Sips when line.IsSecure -> sips
        | Scheme.Sips
        | Scheme.Sip -> sip

    // The opening stands there already.
    let private put (edits: Edits) (lines: Lines) (line: RecordLine) (token: byte[]) =
        if token.Length > 0 then
            Patch.put edits (ReadOnlySpan token)

        let rest =
            match lines with
            | Lines.One when token.Length > 0 -> line.WholeOfFlow
            | Lines.One -> line.Whole
            | Lines.Two when token.Length > 0 -> line.HalfOfFlow
            | Lines.Two -> line.Half

        Patch.put edits (ReadOnlySpan rest)

    /// Makes the edits that put our lines at a place, for a request of this scheme, from the listener and the token of the side that
    /// the request came by and from those of the side that it leaves by, which stands first. A token
    /// is empty where that side needs none.
    let insert
        (edits: Edits)
        (at: int)
        (scheme: Scheme)
        (inward: RecordLine)
        (came: byte[])
        (outward: RecordLine)
        (leaves: byte[])
        : unit =
        Patch.insert edits at (ReadOnlySpan(opening scheme outward))

        if
            Object.ReferenceEquals(inward, outward)
            && (came.Length = 0 || leaves.Length = 0)
        then
            put edits Lines.One inward (if came.Length > 0 then came else leaves)
        else
            put edits Lines.Two outward leaves
            Patch.put edits (ReadOnlySpan(opening scheme inward))
            put edits Lines.Two inward came
