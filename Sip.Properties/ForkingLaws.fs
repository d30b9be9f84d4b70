// ForkingLaws: what is true of how targets are chosen and shared among branches, and of what the caller
// is told of those that have ended (RFC 3841, RFC 5393 §5, RFC 6228).

module Sip.Properties.ForkingLaws

open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Transactions

let private parameter (text: string) : Parameter =
    match text.IndexOf '=' with
    | -1 -> { Name = text; Value = ValueNone }
    | at ->
        {
            Name = text.Substring(0, at)
            Value = ValueSome(text.Substring(at + 1))
        }

let private features =
    Gen.elements
        [
            "audio"
            "video"
            "video=\"FALSE\""
            "mobility=\"mobile\""
            "mobility=\"fixed\""
            "methods=\"INVITE,BYE\""
            "priority=\"#>=20\""
            "priority=\"#5\""
            "priority=\"#=5\""
            "+sip.x=\"<A,b>\""
            "description=\"<PC>\""
            "q=0.5"
            "expires=60"
        ]

let private parameters: Gen<Parameters> =
    Gen.choose (0, 5)
    >>= fun n ->
        Gen.listOfLength n features
        |> Gen.map (List.map parameter >> List.distinctBy _.Name)

let private preferences =
    gen {
        let! accept =
            Gen.choose (0, 3)
            >>= fun n ->
                Gen.listOfLength n
                <| Gen.map2
                    (fun p (more: string list) ->
                        CallerPreferences.preference (p @ List.map parameter more))
                    parameters
                    (Gen.elements
                        [ []; []; [ "require" ]; [ "explicit" ]; [ "require"; "explicit" ] ])

        let! reject =
            Gen.choose (0, 2)
            >>= fun n -> Gen.listOfLength n (Gen.map Features.terms parameters)

        return { Accept = accept; Reject = reject }
    }

let private agents =
    Gen.listOf (parameters |> Gen.map Features.terms) |> Gen.map List.indexed

let private dispositions =
    Gen.listOf (
        Gen.elements
            [
                "no-fork"
                "fork"
                "parallel"
                "Sequential"
                "redirect, no-fork"
                "no-cancel"
                "x-new"
                "proxy"
            ]
    )

let private case =
    Arb.fromGen (
        gen {
            let! directives = dispositions
            let! preferences = preferences
            let! groups = Gen.choose (0, 4) >>= fun n -> Gen.listOfLength n agents

            // Agents are told apart by the group and place that they came from.
            let groups =
                groups
                |> List.indexed
                |> List.map (fun (g, agents) ->
                    agents |> List.map (fun (i, terms) -> (g, i), terms))

            return CallerPreferences.disposition directives, preferences, groups
        }
    )

let private applied (disposition, preferences, groups) =
    CallerPreferences.apply disposition preferences snd groups

let private nobody = { Accept = []; Reject = [] }

let private onlyTheirs =
    Law.holds "callers' preferences add no target and double none" case
    <| fun (disposition, preferences, groups) ->
        let before = List.concat groups |> List.map fst

        let after =
            applied (disposition, preferences, groups) |> List.concat |> List.map fst

        List.distinct after = after
        && List.forall (fun t -> List.contains t before) after

let private indifferent =
    Law.holds "without preferences every target is tried, in the groups it was in" case
    <| fun (_, _, groups) ->
        applied (CallerPreferences.usual, nobody, groups) =
            List.filter (fun (group: _ list) -> not group.IsEmpty) groups

let private noFork =
    Law.holds "no-fork leaves one target, the first that suits" case
    <| fun (disposition, preferences, groups) ->
        let forked =
            applied (
                { disposition with
                    Forking = Forking.Fork
                },
                preferences,
                groups
            )
            |> List.concat

        let single =
            applied (
                { disposition with
                    Forking = Forking.NoFork
                },
                preferences,
                groups
            )

        List.concat single = List.truncate 1 forked && List.length single <= 1

let private sequential =
    Law.holds "sequential tries the same targets in the same order, one after the other" case
    <| fun (_, preferences, groups) ->
        let trying trying =
            applied (
                { CallerPreferences.usual with
                    Trying = trying
                },
                preferences,
                groups
            )

        trying Trying.Sequential =
            (trying Trying.Parallel |> List.concat |> List.map List.singleton)

let private rejected =
    Law.holds "who shows all that a caller rejects is never asked" case
    <| fun (disposition, preferences, groups) ->
        let shows (reject: Term list) (terms: Term list) =
            not reject.IsEmpty && List.forall (fun r -> List.contains r terms) reject

        applied (disposition, preferences, groups)
        |> List.concat
        |> List.forall (fun (_, terms) ->
            not (List.exists (fun reject -> shows reject terms) preferences.Reject))

let private silentAgents =
    Law.holds "an agent that registered no capabilities is always asked" case
    <| fun (_, preferences, groups) ->
        let plain = List.concat groups |> List.filter (fun (_, terms) -> List.isEmpty terms)
        let asked = applied (CallerPreferences.usual, preferences, groups) |> List.concat
        List.forall (fun agent -> List.contains agent asked) plain

let private groupOf ((g, _), _) : int = g

let private qualityFirst =
    Law.holds "no preference of a caller's puts a target before one of a group before its own" case
    <| fun (disposition, preferences, groups) ->
        let order =
            applied (disposition, preferences, groups) |> List.concat |> List.map groupOf

        List.sort order = order

let private bestFirst =
    Law.holds "of a group those are asked first that suit the caller better" case
    <| fun (_, preferences, groups) ->
        let rank (_, terms) =
            (CallerPreferences.suits preferences terms).Value

        applied (CallerPreferences.usual, preferences, groups)
        |> List.concat
        |> List.groupBy groupOf
        |> List.forall (fun (_, agents) ->
            let ranks = List.map rank agents
            ranks = List.sortDescending ranks)

let private lastDirective =
    testCase "directives are read without case, and unknown ones are passed over"
    <| fun () ->
        Expect.equal
            (CallerPreferences.disposition [ "No-Fork, x-new"; "SEQUENTIAL" ])
            {
                Handling = Handling.Proxy
                Forking = Forking.NoFork
                Trying = Trying.Sequential
                Cancelling = Cancelling.Cancel
            }
            "obeyed"

        Expect.equal
            (CallerPreferences.disposition [ "no-fork"; "fork" ])
            CallerPreferences.usual
            "the last"

let private contact texts =
    Features.terms (List.map parameter texts)

let private wants texts =
    CallerPreferences.preference (List.map parameter texts)

// RFC 3841 §7.2.4's own example of scores, and the table of require and explicit.
let private examples =
    testCase "an agent is scored as the RFC's examples are"
    <| fun () ->
        let suits accept agent =
            CallerPreferences.suits { Accept = accept; Reject = [] } (contact agent)

        let half = [ wants [ "audio"; "video" ] ]
        Expect.equal (suits half [ "audio"; "video" ]) (ValueSome 1.0) "both"
        Expect.equal (suits half [ "audio" ]) (ValueSome 0.5) "one of two shown"
        Expect.equal (suits half [ "audio"; "video=\"FALSE\"" ]) (ValueSome 0.0) "no video"

        let strict more = [ wants ([ "audio"; "video" ] @ more) ]

        Expect.equal (suits (strict [ "require" ]) [ "audio" ]) (ValueSome 0.5) "require only"

        Expect.equal
            (suits (strict [ "require" ]) [ "audio"; "video=\"FALSE\"" ])
            ValueNone
            "excluded"

        Expect.equal (suits (strict [ "explicit" ]) [ "audio" ]) (ValueSome 0.0) "explicit only"

        Expect.equal
            (suits (strict [ "explicit"; "require" ]) [ "audio" ])
            ValueNone
            "both: excluded"

        let mobile = [ wants [ "mobility=\"mobile\"" ] ]
        Expect.equal (suits mobile [ "mobility=\"mobile,fixed\"" ]) (ValueSome 1.0) "one of several"

        let urgent = [ wants [ "priority=\"#>=20\""; "require" ] ]
        Expect.equal (suits urgent [ "priority=\"#=30\"" ]) (ValueSome 1.0) "in range"
        Expect.equal (suits urgent [ "priority=\"#5:10\"" ]) ValueNone "below it"

/// A breadth, and how many targets each group has.
let private shares =
    Arb.fromGen (
        Gen.zip
            (Gen.choose (1, 60))
            (Gen.choose (1, 20)
             >>= fun most -> Gen.listOf (Gen.choose (1, most) |> Gen.map (fun n -> [ 1..n ])))
    )

let private each breadth (group: int list) =
    List.init group.Length (MaxBreadth.share breadth group.Length)

let private allGiven =
    Law.holds
        "the branches of a moment have the request's breadth together, each at least 1 of it"
        shares
    <| fun (breadth, groups) ->
        MaxBreadth.within breadth groups
        |> List.forall (fun group ->
            let each = each breadth group
            List.sum each = breadth && List.forall (fun share -> share > 0) each)

let private nobodyLost =
    Law.holds "want of breadth leaves out no target and changes no order" shares
    <| fun (breadth, groups) -> List.concat (MaxBreadth.within breadth groups) = List.concat groups

let private believed =
    testCase "a request without Max-Breadth has 60, and none has more"
    <| fun () ->
        for written, expected in [ -1L, 60; 60L, 60; 7L, 7; 0L, 0; 61L, 60; 9_999_999_999L, 60 ] do
            Expect.equal (MaxBreadth.incoming written) expected $"%d{written}"

let private endings =
    Arb.fromGen (
        gen {
            let tag = Gen.elements [ ""; "a"; "b"; "c"; "d" ]
            let! hearing = Gen.elements [ Hearing.Hears; Hearing.Deaf ]
            let! fate = Gen.elements [ Fate.Relayed; Fate.Held ]
            let! status = Gen.elements [ 200; 302; 404; 486; 500; 603 ]
            let! heard = Gen.listOf (Gen.zip (Gen.elements [ 180; 183; 199 ]) tag)
            return hearing, fate, (Status.TryOf status).Value, heard
        }
    )

let private told =
    Law.holds
        "a caller that hears 199 is told once of each early dialog that ended and was not told of"
        endings
    <| fun (hearing, fate, status, heard) ->
        let early =
            heard
            |> List.fold
                (fun early (status, tag) -> EarlyEnd.heard (Status.TryOf status).Value tag early)
                []

        // The last word about each tag.
        let due =
            heard
            |> List.filter (fun (_, tag) -> tag <> "")
            |> List.map snd
            |> List.distinct
            |> List.filter (fun tag -> fst (List.findBack (fun (_, one) -> one = tag) heard) <> 199)

        match EarlyEnd.decide hearing fate status early with
        | EarlyEnd.Tell tags ->
            List.sort tags = List.sort due
            && not due.IsEmpty
            && (hearing, fate) = (Hearing.Hears, Fate.Held)
            && status.Number >= 300
        | EarlyEnd.Silence ->
            due.IsEmpty
            || (hearing, fate) <> (Hearing.Hears, Fate.Held)
            || status.Number < 300

/// Every law.
let all: Test =
    testList
        "Choosing and sharing targets (RFC 3841, RFC 5393, RFC 6228)"
        [
            onlyTheirs
            indifferent
            noFork
            sequential
            rejected
            silentAgents
            qualityFirst
            bestFirst
            lastDirective
            examples
            nobodyLost
            allGiven
            believed
            told
        ]
