// PathUse: what the registrar makes of a Path that a REGISTER brings (RFC 3327 §5.3): it is stored and
// sent back, or, where the client does not say that it knows Path, refused if the operator wants it so.

namespace Sip.Registrar

open Sip

/// Whether a client lists an option tag in its Supported.
[<RequireQualifiedAccess; Struct>]
type Support =
    | Stated
    | Unstated

/// What an operator thinks of a Path that the client may not know of.
[<RequireQualifiedAccess; Struct>]
type PathPolicy =
    /// It works, so it is taken.
    | Lenient
    /// It is refused, as the RFC recommends: somebody put it there behind the client's back.
    | Strict

/// What becomes of the Path.
[<RequireQualifiedAccess>]
type PathVerdict =
    /// These values, in this order, are stored with the bindings and sent in the 200.
    | Keep of Values: string list
    /// 420 with `Unsupported: path`.
    | Refuse

/// Judging Paths.
[<RequireQualifiedAccess>]
module PathUse =

    /// The verdict on these Path values.
    let judge (policy: PathPolicy) (support: Support) (values: string list) : PathVerdict =
        match values, support, policy with
        | _ :: _, Support.Unstated, PathPolicy.Strict -> PathVerdict.Refuse
        | _, (Support.Stated | Support.Unstated), (PathPolicy.Lenient | PathPolicy.Strict) ->
            PathVerdict.Keep values

    /// The status and the header of the answer that refuses a Path.
    let refusal: Status * (string * string) list =
        Status.badExtension, [ "Unsupported", "path" ]

    /// The Path of the answer, one header a value, in the order in which it came.
    let headers (values: string list) : (string * string) list =
        values |> List.map (fun value -> "Path", value)
