// Offer: what one Contact value of a REGISTER asks for: how long, how much preferred, and as whom
// (RFC 3261 §10.2.1 and §20.10, RFC 5626 §4.1 and §4.2). Leniency is the RFC's own: a malformed
// interval counts as an hour; a malformed reg-id counts as none.

namespace Sip.Registrar

open System
open Sip

/// A Contact value with its parameters understood.
type Offer =
    {
        Contact: NameAddr
        Interval: int64<s> voption
        Quality: int
        Identity: Identity
        Instance: string voption
        RegId: int voption
    }

/// Understanding intervals, preferences and instances.
[<RequireQualifiedAccess>]
module Offer =

    let private isNumber (text: string) =
        text <> "" && String.forall Char.IsAsciiDigit text

    // Any digits that an int64 cannot hold are more than every limit anyway.
    let private number (text: string) =
        let digits = text.TrimStart '0'

        if digits = "" then 0L
        elif digits.Length > 18 then Int64.MaxValue
        else Int64.Parse digits

    /// The largest interval that there is (RFC 3261 §20.19), 136 years.
    let longest = 4294967295L<s>

    /// The interval that an Expires value or an `expires` parameter asks for; RFC 3261 §10.2:
    /// "Malformed values SHOULD be treated as equivalent to 3600".
    let interval (text: string) : int64<s> =
        if isNumber text then
            min longest (number text * 1L<s>)
        else
            3600L<s>

    // qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
    /// The thousandths that a `q` value stands for, if it is one.
    let quality (text: string) : int voption =
        let whole, fraction =
            match text.Split '.' with
            | [| whole |] -> whole, ""
            | [| whole; fraction |] -> whole, fraction
            | _ -> "", ""

        let fractional = fraction.Length <= 3 && (fraction = "" || isNumber fraction)

        match whole with
        | "0" when fractional -> ValueSome(int (number (fraction.PadRight(3, '0'))))
        | "1" when fractional && number ("0" + fraction) = 0L -> ValueSome 1000
        | _ -> ValueNone

    // RFC 8141 §3.1: `urn:` and the namespace are compared without case, and RFC 4122 §3 says the
    // same of the digits of a UUID. The rest of any other URN keeps its case.
    let private comparable (urn: string) =
        let lower = urn.ToLowerInvariant()

        match urn.IndexOf(':', min 4 urn.Length) with
        | _ when lower.StartsWith("urn:uuid:", StringComparison.Ordinal) -> lower
        | name when name > 0 && lower.StartsWith("urn:", StringComparison.Ordinal) ->
            String.Concat(lower.Substring(0, name), urn.Substring name)
        | _ -> urn

    /// The instance that a `+sip.instance` value names: what stands between `"<` and `>"`, in the
    /// form in which equal URNs are equal texts (RFC 5626 §4.1).
    let instance (value: string) : string voption =
        let bare = value.Trim('"').Trim()

        let urn =
            if bare.StartsWith '<' && bare.EndsWith '>' then
                bare.Substring(1, bare.Length - 2)
            else
                bare

        if urn = "" then ValueNone else ValueSome(comparable urn)

    // reg-id = 1*DIGIT, from 1 to 2**31 - 1
    /// The number that a `reg-id` value stands for, if it is one.
    let regId (text: string) : int voption =
        if isNumber text && number text >= 1L && number text <= int64 Int32.MaxValue then
            ValueSome(int (number text))
        else
            ValueNone

    let private intervalOf (parameters: Parameters) =
        Parameters.tryFind "expires" parameters
        |> ValueOption.map (fun p -> interval (ValueOption.defaultValue "" p.Value))

    let private qualityOf (parameters: Parameters) =
        match Parameters.tryFind "q" parameters with
        | ValueNone -> ValueSome 1000
        | ValueSome q -> quality (ValueOption.defaultValue "" q.Value)

    /// What a Contact value asks for, or none if its `q` is malformed.
    let tryOf (contact: NameAddr) : Offer voption =
        let value name =
            Parameters.value name contact.Parameters

        let instance = value "+sip.instance" |> ValueOption.bind instance

        // RFC 5626 §6: a reg-id without an instance is ignored.
        let regId =
            match instance with
            | ValueSome _ -> value "reg-id" |> ValueOption.bind regId
            | ValueNone -> ValueNone

        qualityOf contact.Parameters
        |> ValueOption.map (fun quality ->
            {
                Contact = contact
                Interval = intervalOf contact.Parameters
                Quality = quality
                Identity = Binding.identify contact.Uri instance regId
                Instance = instance
                RegId = regId
            })

    /// The same offer by its address alone, for when no flow can be kept (RFC 5626 §6).
    let withoutFlow (offer: Offer) : Offer =
        { offer with
            Identity = Identity.Address offer.Contact.Uri
            RegId = ValueNone
        }
