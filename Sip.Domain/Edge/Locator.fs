// Locator: the shell's door to finding other servers: what has been answered is kept here, and a URI is
// resolved by it until nothing more has to be asked (RFC 3263).

namespace Sip.Edge

open System.Collections.Generic
open System.Net
open Sip
open Sip.Routing

/// The answers that the domain name system gave to one server. One thread at a time.
[<Sealed>]
type Locator(means: Means, capacity: int) =
    let mutable answers = DnsAnswers.empty capacity

    let learn now question answer (seconds: int64) =
        answers <- DnsAnswers.learn now question answer (seconds * 1L<s>) answers

    /// What is known of where a URI leads; the seed decides among servers of equal priority, and is
    /// the same for all the rounds of one URI.
    member _.Locate(now: Instant, seed: uint64, uri: SipUri) : Resolved =
        Resolution.resolve means (Dice seed) (fun q -> DnsAnswers.find now q answers) uri

    /// The addresses of a name, for so many seconds.
    member _.LearnAddresses
        (now: Instant, question: Question, found: IEnumerable<IPAddress>, seconds: int64)
        =
        let addresses = found |> Seq.map Address.ofIPAddress |> List.ofSeq
        learn now question (Answer.Addresses addresses) seconds

    /// The servers of a service.
    member _.LearnServers
        (now: Instant, question: Question, found: IEnumerable<SrvRecord>, seconds: int64)
        =
        learn now question (Answer.Srv(List.ofSeq found)) seconds

    /// The services of a domain.
    member _.LearnRules
        (now: Instant, question: Question, found: IEnumerable<NaptrRecord>, seconds: int64)
        =
        learn now question (Answer.Naptr(List.ofSeq found)) seconds

    /// There is no such name, or nothing of that kind by it.
    member _.LearnAbsence(now: Instant, question: Question, seconds: int64) =
        learn now question Answer.NoSuchName seconds

    /// Nobody answered in time.
    member _.LearnFailure(now: Instant, question: Question) = learn now question Answer.Failed 0L
