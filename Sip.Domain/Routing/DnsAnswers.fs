// DnsAnswers: what the domain name system has said, for as long as it counts: the records by their time to
// live, that there are none for a shorter time (RFC 2308 §5), that nobody answered for a very short one.

namespace Sip.Routing

open System
open Sip

/// The answers that are known, each until its deadline.
type DnsAnswers =
    private
        {
            Known: Map<Question, Answer * Instant>
            Capacity: int
        }

/// Keeping answers.
[<RequireQualifiedAccess>]
module DnsAnswers =
    let private longest = 3600L<s>
    let private longestAbsence = 60L<s>
    let private failure = 5L<s>

    /// No answers, and room for so many.
    let empty (capacity: int) : DnsAnswers =
        {
            Known = Map.empty
            Capacity = capacity
        }

    /// How many are kept.
    let count (answers: DnsAnswers) : int = answers.Known.Count

    /// The answer to a question, while it counts.
    let find (now: Instant) (question: Question) (answers: DnsAnswers) : Answer voption =
        match Map.tryFind question answers.Known with
        | Some(answer, until) when until > now -> ValueSome answer
        | Some _
        | None -> ValueNone

    let private lifetime (answer: Answer) (ttl: int64<s>) : int64<s> =
        match answer with
        | Answer.Naptr _
        | Answer.Srv _
        | Answer.Addresses _ -> min ttl longest
        | Answer.NoSuchName -> min ttl longestAbsence
        | Answer.Failed -> failure

    /// The answers that count at this moment.
    let current (now: Instant) (answers: DnsAnswers) : DnsAnswers =
        { answers with
            Known = answers.Known |> Map.filter (fun _ (_, until) -> until > now)
        }

    let private makeRoom (now: Instant) (answers: DnsAnswers) : DnsAnswers =
        if count answers < answers.Capacity then
            answers
        else
            let live = current now answers

            if count live < live.Capacity then
                live
            else
                let question, _ = live.Known |> Map.toSeq |> Seq.minBy (snd >> snd)

                { live with
                    Known = Map.remove question live.Known
                }

    /// The answers with one more. Whatever its time to live it counts for a second, so that whoever
    /// asked gets it; where there is no room the one goes that would go first.
    let learn
        (now: Instant)
        (question: Question)
        (answer: Answer)
        (ttl: int64<s>)
        (answers: DnsAnswers)
        : DnsAnswers =
        let until = now.After((max 1L<s> (lifetime answer ttl)) * 1000L<ms / s>)
        let roomy = makeRoom now answers

        { roomy with
            Known = Map.add question (answer, until) roomy.Known
        }
