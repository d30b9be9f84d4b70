// JsonFields: the members of one JSON object that comes from outside (RFC 8259), read without
// reflection. Members inside of members are skipped; a name that stands there twice makes the whole
// unreadable, for two readers would see two values (RFC 7519 §4).

namespace Sip.Identity

open System
open System.Text.Json

/// What a member's value is, as far as anybody here asks.
[<RequireQualifiedAccess>]
type internal JsonValue =
    | Text of string
    | Number of int64
    | Texts of string list
    | Otherwise

/// Names and values in the order in which they stood.
type internal JsonFields = (struct (string * JsonValue)) list

/// Reading objects and asking for their members.
[<RequireQualifiedAccess>]
module internal JsonFields =

    let private depth = 8

    let private text (reader: byref<Utf8JsonReader>) : string =
        match reader.GetString() with
        | null -> ""
        | text -> text

    // A date may have a fraction (RFC 7519 §2 NumericDate).
    let private number (reader: byref<Utf8JsonReader>) : JsonValue =
        let mutable whole = 0L
        let mutable real = 0.0

        if reader.TryGetInt64(&whole) then
            JsonValue.Number whole
        elif reader.TryGetDouble(&real) && abs real < 1e15 then
            JsonValue.Number(int64 (floor real))
        else
            JsonValue.Otherwise

    let private texts (reader: byref<Utf8JsonReader>) : JsonValue =
        let mutable found: string list = []
        let mutable sound = true

        while reader.Read() && reader.TokenType <> JsonTokenType.EndArray do
            if reader.TokenType = JsonTokenType.String then
                found <- text &reader :: found
            else
                sound <- false
                reader.Skip()

        if sound then
            JsonValue.Texts(List.rev found)
        else
            JsonValue.Otherwise

    let private value (reader: byref<Utf8JsonReader>) : JsonValue =
        match reader.TokenType with
        | JsonTokenType.String -> JsonValue.Text(text &reader)
        | JsonTokenType.Number -> number &reader
        | JsonTokenType.StartArray -> texts &reader
        | _ ->
            reader.Skip()
            JsonValue.Otherwise

    /// The value of a member, none if it is not there.
    let rec find (name: string) (fields: JsonFields) : JsonValue voption =
        match fields with
        | struct (first, found) :: _ when String.Equals(first, name) -> ValueSome found
        | _ :: rest -> find name rest
        | [] -> ValueNone

    let private members (json: ReadOnlySpan<byte>) : JsonFields voption =
        let mutable reader = Utf8JsonReader(json, JsonReaderOptions(MaxDepth = depth))
        let mutable fields: JsonFields = []
        let mutable sound = reader.Read() && reader.TokenType = JsonTokenType.StartObject

        while sound && reader.Read() && reader.TokenType = JsonTokenType.PropertyName do
            let name = text &reader

            if (find name fields).IsSome then
                sound <- false
            else
                reader.Read() |> ignore
                fields <- struct (name, value &reader) :: fields

        // Whatever follows the object is read to be refused.
        if sound && not (reader.Read()) then
            ValueSome(List.rev fields)
        else
            ValueNone

    // The reader of the platform says by exceptions that a text is no JSON (or no UTF-8, or half a
    // surrogate pair); there is no other way to ask it.
    /// The members of the object that these bytes are; none if they are anything else.
    let tryRead (json: ReadOnlySpan<byte>) : JsonFields voption =
        try
            members json
        with
        | :? JsonException
        | :? InvalidOperationException -> ValueNone
