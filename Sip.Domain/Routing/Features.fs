// Features: what an agent can do and what a caller wants it to, as conjunctions of feature tags
// (RFC 3840 §9, and the same form in the Accept-Contact and Reject-Contact of RFC 3841).

namespace Sip.Routing

open System
open Sip

/// What one tag has to be.
[<RequireQualifiedAccess>]
type Wanted =
    /// One of these words; `true` and `false` are words, too.
    | Words of Word: string list
    /// A quoted string, to the letter.
    | Exactly of Text: string
    /// A number in this range.
    | Between of Least: decimal * Greatest: decimal

/// One tag of a predicate, and whether the agent must be otherwise.
type Term =
    {
        Tag: string
        Unless: Wanted list
        Is: Wanted list
    }

/// Reading and comparing feature tags.
[<RequireQualifiedAccess>]
module Features =

    let private number (text: string) : decimal voption =
        match
            Decimal.TryParse(
                text,
                Globalization.NumberStyles.AllowLeadingSign
                ||| Globalization.NumberStyles.AllowDecimalPoint,
                Globalization.CultureInfo.InvariantCulture
            )
        with
        | true, value -> ValueSome value
        | false, _ -> ValueNone

    // numeric = "#" ( ">=" / "<=" / "=" ) number, or number ":" number (RFC 3840 §9)
    let private range (text: string) : Wanted voption =
        let between least greatest =
            match least, greatest with
            | ValueSome least, ValueSome greatest -> ValueSome(Wanted.Between(least, greatest))
            | _, _ -> ValueNone

        let after (at: int) = number (text.Substring at)

        if text.StartsWith(">=", StringComparison.Ordinal) then
            between (after 2) (ValueSome Decimal.MaxValue)
        elif text.StartsWith("<=", StringComparison.Ordinal) then
            between (ValueSome Decimal.MinValue) (after 2)
        elif text.StartsWith '=' then
            between (after 1) (after 1)
        else
            match text.Split ':' with
            | [| least; greatest |] -> between (number least) (number greatest)
            | _ -> ValueNone

    let private value (text: string) : Wanted voption =
        if text.StartsWith '#' then
            range (text.Substring 1)
        elif text.StartsWith '<' && text.EndsWith '>' then
            ValueSome(Wanted.Exactly text)
        elif text <> "" then
            ValueSome(Wanted.Words [ text.ToLowerInvariant() ])
        else
            ValueNone

    // A string value has angle brackets and may hold commas; a list of tags has neither.
    let private valuesOf (text: string) : string list =
        if text.StartsWith '<' then
            [ text ]
        else
            text.Split ',' |> Array.map _.Trim() |> List.ofArray

    // RFC 3840 §9: the tags of the SIP tree begin with `+`, except those of the base set.
    let private baseTags =
        [
            "audio"
            "automata"
            "class"
            "duplex"
            "data"
            "control"
            "mobility"
            "description"
            "events"
            "priority"
            "methods"
            "schemes"
            "application"
            "video"
            "language"
            "type"
            "isfocus"
            "actor"
            "text"
            "extensions"
        ]

    let private isFeature (name: string) =
        name.StartsWith '+' || List.exists (Text.sameText name) baseTags

    let private term (parameter: Parameter) : Term =
        let texts =
            match parameter.Value with
            | ValueNone -> [ "true" ]
            | ValueSome written -> valuesOf (written.Trim '"')

        let negated, plain = List.partition (fun (t: string) -> t.StartsWith '!') texts
        let choose = List.choose (value >> ValueOption.toOption)

        {
            Tag = parameter.Name.ToLowerInvariant()
            Unless = negated |> List.map (fun t -> t.Substring 1) |> choose
            Is = choose plain
        }

    /// The feature tags of a parameter list, as a predicate.
    let terms (parameters: Parameters) : Term list =
        parameters |> List.filter (fun p -> isFeature p.Name) |> List.map term

    let private overlaps (wanted: Wanted) (has: Wanted) =
        match wanted, has with
        | Wanted.Words a, Wanted.Words b -> List.exists (fun word -> List.contains word b) a
        | Wanted.Exactly a, Wanted.Exactly b -> a = b
        | Wanted.Between(low, high), Wanted.Between(low', high') -> low <= high' && low' <= high
        | (Wanted.Words _ | Wanted.Exactly _ | Wanted.Between _), _ -> false

    /// Whether what an agent shows under a tag is what a caller wants under it.
    let fits (wanted: Term) (has: Term) =
        let among (some: Wanted list) =
            List.exists (fun w -> List.exists (overlaps w) has.Is) some

        (wanted.Is.IsEmpty || among wanted.Is)
        && (wanted.Unless.IsEmpty || not (among wanted.Unless))
