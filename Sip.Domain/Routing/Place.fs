// Place: where a request may be answered, and how it is put there (RFC 3261 §16.5, §16.6 steps 2 and 6).

namespace Sip.Routing

open System

/// The Request-URI that a target shall see.
[<RequireQualifiedAccess; Struct>]
type Heading =
    /// The URI of the request's way, as it is.
    | Kept
    /// The URI of the request's way, without our alias.
    | Unaliased
    /// Another, such as a binding's contact.
    | Written of Uri: ReadOnlyMemory<byte>

/// One place where a request may be answered.
type Place =
    {
        Hop: Hop
        Heading: Heading
        /// The Routes that lead there beyond the hop, as one header's value.
        Path: ReadOnlyMemory<byte>
        /// What whoever answers there can do, as they registered it (RFC 3840).
        Capabilities: Term list
        /// Other ways to the same one, to be tried in their order where this one fails.
        Spare: Place list
    }

/// Making places.
[<RequireQualifiedAccess>]
module Place =

    /// The place at the end of a hop, of which no more is known.
    let along (hop: Hop) (heading: Heading) : Place =
        {
            Hop = hop
            Heading = heading
            Path = ReadOnlyMemory.Empty
            Capabilities = []
            Spare = []
        }
