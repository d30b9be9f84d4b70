// AnswerLaws: how long an answer of the domain name system counts, and how many are kept.

namespace Sip.Properties.Locating

open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Properties

/// The laws of DnsAnswers.
[<RequireQualifiedAccess>]
module AnswerLaws =

    let private ask = Question.A "example.test"
    let private now = Ground.at 1000L

    let private answers =
        Gen.elements
            [
                Answer.Addresses [ Address.ofV4 1u ]
                Answer.Srv []
                Answer.NoSuchName
                Answer.Failed
            ]

    let private remembered =
        Law.holds
            "an answer counts for its time to live, an absence for a minute, a failure for seconds"
            (Arb.fromGen (Gen.zip answers (Gen.choose (0, 100000))))
        <| fun (answer, ttl) ->
            let ttl = int64 ttl

            let expected =
                match answer with
                | Answer.NoSuchName -> max 1L (min ttl 60L)
                | Answer.Failed -> 5L
                | Answer.Naptr _
                | Answer.Srv _
                | Answer.Addresses _ -> max 1L (min ttl 3600L)

            let known = DnsAnswers.empty 4 |> DnsAnswers.learn now ask answer (ttl * 1L<s>)
            let last = now.After(expected * 1000L<ms> - 1L<ms>)

            DnsAnswers.find last ask known = ValueSome answer
            && DnsAnswers.find (last.After 1L<ms>) ask known = ValueNone

    let private bounded =
        Law.holds
            "no more answers are kept than there is room for, and the newest always"
            (Arb.fromGen (Gen.nonEmptyListOf (Gen.zip (Gen.choose (1, 50)) (Gen.choose (1, 900)))))
        <| fun learned ->
            let learn known (name: int, ttl) =
                let question = Question.A(string name)

                let known =
                    DnsAnswers.learn now question Answer.NoSuchName (int64 ttl * 1L<s>) known

                if DnsAnswers.find now question known <> ValueSome Answer.NoSuchName then
                    failtest "the newest is lost"

                known

            DnsAnswers.count (List.fold learn (DnsAnswers.empty 7) learned) <= 7

    /// Every law.
    let all: Test = testList "Locating servers (RFC 3263)" [ remembered; bounded ]
