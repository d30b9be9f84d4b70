// GuessLaws: what passwords may be guessed, and that who only asks for a challenge guesses nothing.

module Sip.Properties.Guarding.GuessLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Guarding
open Sip.Edge
open Sip.Properties
open Sip.Properties.Guarding.Narrow

/// A password is guessed from a thousand addresses for an hour: how many are looked at, and whether the user,
/// who had been there before, gets in meanwhile from home and from nowhere else.
let private guessing =
    testCase
        "however many guess, at most 60 passwords of a user are looked at in an hour, and the user is let in from home"
    <| fun () ->
        let guard = guardOf Bound.usual
        let home = Address.ofV4 0xC6336401u
        guard.Right(Ground.at 0L, "alice", home)
        let mutable looked = 0

        for second in 0L .. 3599L do
            for guess in 0L .. 9L do
                let now = Ground.at (second * 1000L + guess * 100L)
                let address = Address.ofV4 (0xCB007100u + uint32 ((second * 10L + guess) % 1000L))

                if guard.MayGuess(now, "alice", address) then
                    looked <- looked + 1
                    guard.Wrong(now, "alice", address) |> ignore

            Expect.isTrue (guard.MayGuess(Ground.at (second * 1000L), "alice", home)) "at home"

        Expect.isLessThanOrEqual looked 60 "guesses"
        Expect.isGreaterThan looked 30 "guesses"

let private challenge =
    Law.holds
        "a challenge that nobody answers is kept by nobody, bans nobody and uses up no guess, however often it is asked for"
        (Gen.zip (Gen.choose (1, 200)) (Gen.elements [ "REGISTER"; "INVITE"; "OPTIONS" ])
         |> Arb.fromGen)
    <| fun (times, method) ->
        let visitors = Visitors(Bound.usual, Admittance.Authenticated)
        visitors.Opens(0L, connected)

        for i in 1..times do
            visitors.Ask(int64 i, connected, method, "alice", "sip:bob@example.test", "")
            |> ignore

        let guard = visitors.Ledger.Guard

        not (guard.IsBanned(Ground.at 1000L, address))
        && guard.MayGuess(Ground.at 1000L, "alice", address)
        && visitors.Refused Bound.GuessesPerAddress = 0L
        && visitors.Ledger.Held = 0
        && visitors.Ledger.Proofs = 0

/// Credentials are used and used again in this order: 0 to 5 are those of a challenge that is asked for when first wanted.
let private spent =
    Law.holds
        "however few nonces there is room for, credentials are accepted once, and those of a new challenge are accepted"
        (Gen.listOf (Gen.zip (Gen.choose (0, 5)) (Gen.choose (1, 40_000))) |> Arb.fromGen)
    <| fun uses ->
        let visitors = Visitors(few Bound.Nonces, Admittance.Authenticated)
        let target = "sip:example.test"
        let contact = "Contact: <sip:alice@192.0.2.1>\r\n"
        let made = Collections.Generic.Dictionary<int, string>()
        let taken = Collections.Generic.HashSet<int>()
        let mutable now = 1000L
        let mutable sound = true

        for which, later in uses do
            now <- now + int64 later
            let isNew = not (made.ContainsKey which)

            if isNew then
                let challenge =
                    visitors.Ask(now, udp, "REGISTER", "alice", target, contact) |> List.head

                made[which] <-
                    visitors.Credentials(challenge, "REGISTER", "alice", target, "secret of alice")

            let status =
                visitors.Ask(now, udp, "REGISTER", "alice", target, contact + made[which])
                |> Answered.status

            visitors.Ledger.Take(Ground.at now, Input.Tick) |> ignore

            sound <-
                sound
                && visitors.Ledger.Proofs <= 2
                && (status = 200 || status = 401)
                && (not isNew || status = 200)
                && (status <> 200 || taken.Add which)

        sound

/// Every law.
let all: Test = testList "Bounds, bans and load" [ guessing; challenge; spent ]
