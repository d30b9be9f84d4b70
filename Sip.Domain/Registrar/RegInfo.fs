// RegInfo: the state of an address of record as the XML that a subscriber to it gets: all of it, or what
// has changed (RFC 3680 §5, and RFC 5628 §5 for the GRUUs of a contact).

namespace Sip.Registrar

open System
open System.Security.Cryptography
open System.Text
open Sip

/// The GRUUs of a contact's instance.
type ContactGruus =
    {
        Public: string
        Temporary: string
        FirstCSeq: uint32
    }

/// Whose registrations are told.
type RegSubject =
    {
        /// The address of record as it is written in a URI.
        Uri: string
        Aor: Aor
        Gruus: Binding -> ContactGruus voption
    }

/// Printing registration state.
[<RequireQualifiedAccess>]
module RegInfo =

    /// The Content-Type of the documents.
    let contentType = "application/reginfo+xml"

    // XML 1.0 §2.2: other control characters cannot be written at all, not even as references.
    let private put (out: StringBuilder) (c: char) =
        match c with
        | '&' -> out.Append "&amp;" |> ignore
        | '<' -> out.Append "&lt;" |> ignore
        | '>' -> out.Append "&gt;" |> ignore
        | '"' -> out.Append "&quot;" |> ignore
        | c when c < ' ' || c = '\uFFFE' || c = '\uFFFF' -> out.Append '\uFFFD' |> ignore
        | c -> out.Append c |> ignore

    // Wire text is one character a byte, and its bytes are meant as UTF-8.
    let private escape (text: string) : string =
        let out = StringBuilder()

        for c in Encoding.UTF8.GetString(Text.toBytes text) do
            put out c

        out.ToString()

    let private attribute (name: string) (value: string) =
        String.Concat([| " "; name; "=\""; escape value; "\"" |])

    let private element (name: string) (content: string) =
        String.Concat([| "<"; name; ">"; escape content; "</"; name; ">" |])

    let private digest (text: string) =
        Convert.ToHexStringLower(ReadOnlySpan(SHA256.HashData(Text.toBytes text), 0, 8))

    // The same contact has the same id in every document: it is told apart by what tells bindings
    // apart, and by nothing that a refresh changes.
    let private contactId (binding: Binding) =
        match Binding.identity binding with
        | Identity.Address uri -> digest (Uri.print uri)
        | Identity.Outbound(instance, regId) -> digest (String.Concat(instance, " ", string regId))

    let private quality (thousandths: int) =
        if thousandths = 1000 then
            "1"
        else
            String.Concat("0.", thousandths.ToString("D3"))

    let private gruus (subject: RegSubject) (binding: Binding) =
        match subject.Gruus binding with
        | ValueNone -> ""
        | ValueSome gruus ->
            String.Concat(
                [|
                    "<gr:pub-gruu"
                    attribute "uri" gruus.Public
                    "/><gr:temp-gruu"
                    attribute "uri" gruus.Temporary
                    attribute "first-cseq" (string gruus.FirstCSeq)
                    "/>"
                |]
            )

    let private display (contact: NameAddr) =
        match contact.Display.Trim('"', ' ') with
        | "" -> ""
        | name -> element "display-name" name

    // §5.4: parameters that the schema has no place for.
    let private others (contact: NameAddr) =
        contact.Parameters
        |> List.filter (fun p ->
            not (List.exists (Text.sameText p.Name) [ "q"; "expires"; "pub-gruu"; "temp-gruu" ]))
        |> List.map (fun p ->
            String.Concat(
                [|
                    "<unknown-param"
                    attribute "name" p.Name
                    ">"
                    escape (ValueOption.defaultValue "" p.Value)
                    "</unknown-param>"
                |]
            ))
        |> String.Concat

    let private contact subject now (state: string) (event: string) (binding: Binding) =
        let lasting =
            if state = "active" then
                attribute "expires" (string (int64 (Binding.remaining now binding)))
            else
                ""

        String.Concat(
            [|
                "<contact"
                attribute "id" (contactId binding)
                attribute "state" state
                attribute "event" event
                lasting
                attribute "q" (quality binding.Quality)
                attribute "callid" binding.CallId
                attribute "cseq" (string binding.CSeq)
                ">"
                element "uri" (Uri.print binding.Contact.Uri)
                display binding.Contact
                others binding.Contact
                (if state = "active" then gruus subject binding else "")
                "</contact>"
            |]
        )

    // §5.2: what a departure asks of the user: to register again at once, or not to.
    let private event (departure: Departure) =
        match departure with
        | Departure.Expired -> "expired"
        | Departure.Unregistered
        | Departure.Replaced -> "unregistered"
        | Departure.FlowClosed -> "deactivated"
        | Departure.Evicted
        | Departure.Withdrawn -> "rejected"

    let private changed subject now (change: Change) =
        match change with
        | Change.Added binding -> contact subject now "active" "registered" binding
        | Change.Refreshed(before, after) when after.Expires < before.Expires ->
            contact subject now "active" "shortened" after
        | Change.Refreshed(_, after) -> contact subject now "active" "refreshed" after
        | Change.Removed(binding, departure) ->
            contact subject now "terminated" (event departure) binding

    let private document subject (version: int) (whole: string) (state: string) contacts =
        String.Concat(
            [|
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\""
                " xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\""
                attribute "version" (string version)
                attribute "state" whole
                "><registration"
                attribute "aor" subject.Uri
                attribute "id" (digest subject.Aor.Key)
                attribute "state" state
                ">"
                String.Concat(contacts: string list)
                "</registration></reginfo>"
            |]
        )
        |> Encoding.UTF8.GetBytes

    /// Everything that is bound.
    let full (subject: RegSubject) (version: int) (now: Instant) (bindings: Bindings) : byte[] =
        let live = Bindings.current now bindings
        let state = if live.IsEmpty then "init" else "active"
        let contacts = live |> List.map (contact subject now "active" "registered")
        document subject version "full" state contacts

    /// What has changed, and what it has come to.
    let partial
        (subject: RegSubject)
        (version: int)
        (now: Instant)
        (changes: Change list)
        (after: Bindings)
        : byte[] =
        let left = Bindings.current now after
        let state = if left.IsEmpty then "terminated" else "active"
        document subject version "partial" state (List.map (changed subject now) changes)
