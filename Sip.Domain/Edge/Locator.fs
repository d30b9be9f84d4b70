// Locator: what the domain name system has answered, and where a URI leads by that (RFC 3263).

namespace Sip.Edge

open Sip
open Sip.Routing

/// The answers that the domain name system gave to one ledger.
[<Sealed>]
type Locator(means: Means, capacity: int) =
    let mutable answers = DnsAnswers.empty capacity

    /// What is known of where a URI leads; the seed decides among servers of equal priority, and is
    /// the same for all the rounds of one URI.
    member _.Locate(now: Instant, seed: uint64, uri: SipUri) : Resolved =
        Resolution.resolve means (Dice seed) (fun q -> DnsAnswers.find now q answers) uri

    /// An answer, which counts for so long.
    member _.Learn(now: Instant, question: Question, answer: Answer, life: int64<s>) : unit =
        answers <- DnsAnswers.learn now question answer life answers
