// Fault: every way in which bytes fail to be a message, where, and the status that it deserves
// (RFC 3261 §8.2, §16.3 step 1, §21.4.1).

namespace Sip.Wire

open System
open Sip

/// What is wrong with the bytes.
[<RequireQualifiedAccess>]
type Wrong =
    | StartLine
    | Version
    | RequestUri
    | FieldLine
    | FieldTooLong
    | TooManyFields
    | TooManyVias
    | NoEndOfHead
    | Missing of Name: HeaderName
    | Repeated of Name: HeaderName
    | Malformed of Name: HeaderName
    | OtherMethodInCSeq
    | BodyTooShort
    | TooLarge

/// What is wrong and the position of the byte where it shows.
type Fault = { Wrong: Wrong; Place: int }

/// Answering faults.
[<RequireQualifiedAccess>]
module Fault =

    /// The status to answer.
    let status (fault: Fault) : Status =
        match fault.Wrong with
        | Wrong.Version -> Status.versionNotSupported
        | Wrong.TooManyVias -> Status.tooManyHops
        | Wrong.TooLarge
        | Wrong.FieldTooLong
        | Wrong.TooManyFields -> Status.messageTooLarge
        | Wrong.StartLine
        | Wrong.RequestUri
        | Wrong.FieldLine
        | Wrong.NoEndOfHead
        | Wrong.Missing _
        | Wrong.Repeated _
        | Wrong.Malformed _
        | Wrong.OtherMethodInCSeq
        | Wrong.BodyTooShort -> Status.badRequest

    /// The reason in words, fit for a reason phrase (RFC 3261 §21.4.1 asks for one).
    let words (fault: Fault) : string =
        match fault.Wrong with
        | Wrong.StartLine -> "Bad Request: The Start Line Cannot Be Read"
        | Wrong.Version -> "Version Not Supported: This Server Speaks SIP/2.0"
        | Wrong.RequestUri -> "Bad Request: The Request-URI Cannot Be Read"
        | Wrong.FieldLine -> "Bad Request: A Header Line Is Not A Name, A Colon And A Value"
        | Wrong.FieldTooLong -> "Message Too Large: A Header Field Is Too Long"
        | Wrong.TooManyFields -> "Message Too Large: Too Many Header Fields"
        | Wrong.TooManyVias -> "Too Many Hops: More Than 70 Via"
        | Wrong.NoEndOfHead -> "Bad Request: No Empty Line Ends The Head"
        | Wrong.Missing name -> String.Concat("Bad Request: Missing ", HeaderName.print name)
        | Wrong.Repeated name -> String.Concat("Bad Request: Repeated ", HeaderName.print name)
        | Wrong.Malformed name -> String.Concat("Bad Request: Malformed ", HeaderName.print name)
        | Wrong.OtherMethodInCSeq -> "Bad Request: CSeq Names Another Method"
        | Wrong.BodyTooShort -> "Bad Request: The Body Is Shorter Than Content-Length"
        | Wrong.TooLarge -> "Message Too Large"
