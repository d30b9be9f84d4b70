// LinesLaws: how many calls a user may have going, and for how long, against a plain list of calls.

module Sip.Properties.LinesLaws

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Identity

let private at milliseconds = Instant.FromMilliseconds milliseconds

let private quota =
    {
        AtOnce = 3<call>
        Minutes = 10<minute>
    }

type private Deed =
    | Call
    /// The one so far back is answered, or is over.
    | Answer of int
    | End of int

let private deeds =
    Gen.frequency
        [
            3, Gen.constant Call
            2, Gen.map Answer (Gen.choose (0, 5))
            2, Gen.map End (Gen.choose (0, 5))
        ]
    |> Gen.zip (Gen.choose (0, 120_000))
    |> Gen.listOf
    |> Arb.fromGen

let private pick (place: int) (list: 'one list) =
    if list.IsEmpty then None else Some(place % list.Length)

/// The twin: what rings, what talks and since when, and how long others have talked.
type private Twin =
    {
        Ringing: int
        Talking: int64 list
        Over: int64
    }

let private twin =
    Law.holds
        "a user has never more calls going than their quota, and none more once the minutes are used up, by ended calls and by those that go on"
        deeds
    <| fun script ->
        let mutable now = 1000L
        let mutable lines = Lines.free

        let mutable twin = { Ringing = 0; Talking = []; Over = 0L }

        script
        |> List.forall (fun (pause, deed) ->
            now <- now + int64 pause

            match deed with
            | Call ->
                let held = twin.Ringing + twin.Talking.Length
                let used = twin.Over + List.sumBy (fun since -> now - since) twin.Talking
                let may = held < 3 && used < 600_000L

                match Lines.hold quota (at now) lines with
                | ValueSome after ->
                    lines <- after
                    twin <- { twin with Ringing = twin.Ringing + 1 }
                    may
                | ValueNone -> not may
            | Answer _ when twin.Ringing = 0 -> true
            | Answer _ ->
                lines <- Lines.answer (at now) lines

                twin <-
                    { twin with
                        Ringing = twin.Ringing - 1
                        Talking = now :: twin.Talking
                    }

                true
            | End place ->
                match pick place twin.Talking with
                | Some which ->
                    let since = twin.Talking[which]
                    lines <- Lines.leave (at since) (at now) lines

                    twin <-
                        { twin with
                            Talking = List.removeAt which twin.Talking
                            Over = twin.Over + now - since
                        }
                | None when twin.Ringing > 0 ->
                    lines <- Lines.drop lines
                    twin <- { twin with Ringing = twin.Ringing - 1 }
                | None -> ()

                int (Lines.held lines) = twin.Ringing + twin.Talking.Length)

let private tomorrow =
    testCase "the minutes are there again a day after the first call of the day was over"
    <| fun () ->
        let one = (Lines.hold quota (at 0L) Lines.free).Value
        let over = Lines.leave (at 0L) (at 600_000L) (Lines.answer (at 0L) one)
        let may now = (Lines.hold quota (at now) over).IsSome
        Expect.isFalse (may 600_001L) "used up"
        Expect.isFalse (may (600_000L + 86_399_999L)) "all day"
        Expect.isTrue (may (600_000L + 86_400_000L)) "and then again"

let private constant =
    testCase "lines have one size, and holding and leaving them allocates nothing"
    <| fun () ->
        let mutable now = 0L

        let work () =
            now <- now + 86_400_000L

            match Lines.hold quota (at now) Lines.free with
            | ValueSome held ->
                let after = Lines.leave (at now) (at (now + 1L)) (Lines.answer (at now) held)

                if Lines.held after <> 0<call> then
                    failtest "held"
            | ValueNone -> failtest "full"

        Expect.equal (Law.allocated work) 0L "bytes"

/// Every law.
let all: Test = testList "Lines" [ twin; tomorrow; constant ]
