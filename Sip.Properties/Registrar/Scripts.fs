// Scripts: what may happen to one address of record: REGISTERs of a few clients over a few flows,
// time, and flows that close. The names are few, so that requests meet each other's bindings.

namespace Sip.Properties.Registrar

open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Registrar

/// One thing that happens.
[<RequireQualifiedAccess>]
type Event =
    | Register of Request
    /// The last REGISTER once more, as a network doubles it.
    | Again
    | Pass of int64<ms>
    | Close of Flow

/// A policy and everything that happens under it, in order.
type Script = { Policy: Policy; Events: Event list }

/// One moment of a script: what was, what happened, what came of it.
type Moment =
    {
        Now: Instant
        Before: Bindings
        Event: Event
        Outcome: Outcome
    }

/// Generators, and the telling of a script.
[<RequireQualifiedAccess>]
module Scripts =

    let private flow transport connection =
        {
            Listener = ListenerId 0
            Transport = transport
            Connection = connection
            Remote =
                {
                    Address = Address.ofV4 0xCB007107u
                    Port = 40000
                }
        }

    /// The flows there are: two browsers, one phone on UDP.
    let flows = [ flow Transport.Ws 1L; flow Transport.Wss 2L; flow Transport.Udp 0L ]

    let private sip scheme user host parameters =
        Uri.Sip
            { Uri.ofUser user (Host.Name host) with
                Scheme = scheme
                Parameters = parameters
            }

    let private parameter name value =
        { Name = name; Value = ValueSome value }

    // Pairs of the RFC 3261 §19.1.4 kind: `x=1` and `x=2` differ, and each equals the one without.
    let private uris =
        [
            sip Scheme.Sip "bob" "a.example" []
            sip Scheme.Sip "bob" "a.example" [ parameter "x" "1" ]
            sip Scheme.Sip "%62ob" "a.example" [ parameter "x" "2" ]
            sip Scheme.Sips "bob" "a.example" []
            sip Scheme.Sip "bob" "one.invalid" [ parameter "transport" "ws" ]
            sip Scheme.Sip "bob" "two.invalid" [ parameter "transport" "ws" ]
            sip Scheme.Sip "%62ob" "three.invalid" [ parameter "transport" "ws" ]
            sip Scheme.Sip "eve" "two.invalid" [ parameter "transport" "ws" ]
            Uri.Other("mailto", "bob@example.com")
        ]

    let private maybe name values =
        Gen.frequency
            [
                3, Gen.constant []
                2, Gen.elements values |> Gen.map (fun value -> [ { Name = name; Value = value } ])
            ]

    let private some values = List.map ValueSome values

    let private contact =
        gen {
            let! uri = Gen.elements uris
            let! q = maybe "q" (some [ "0"; "0.5"; "0.50"; "0.75"; "1"; "1.000" ])
            let! bad = Gen.frequency [ 40, Gen.constant []; 1, maybe "Q" (some [ "1.5"; "x" ]) ]
            let! expires = maybe "expires" (ValueNone :: some [ "0"; "0"; "60"; "90"; "9999" ])
            let! brief = Gen.frequency [ 20, Gen.constant []; 1, maybe "Expires" (some [ "5" ]) ]

            let! instance =
                maybe "+sip.instance" (some [ "\"<urn:uuid:A>\""; "\"<URN:UUID:b>\"" ])

            let! regId = maybe "reg-id" (some [ "1"; "2"; "x" ])

            return
                {
                    Display = ""
                    Uri = uri
                    Parameters = q @ bad @ expires @ brief @ instance @ regId
                }
        }

    let private contacts =
        Gen.frequency
            [
                1, Gen.constant ValueNone
                1, Gen.constant (ValueSome Contacts.Star)
                6, Gen.map (fun one -> ValueSome(Contacts.These [ one ])) contact
                4,
                Gen.map
                    (Contacts.These >> ValueSome)
                    (Gen.choose (1, 4) >>= fun n -> Gen.listOfLength n contact)
                1, Gen.map (Contacts.These >> ValueSome) (Gen.listOfLength 17 contact)
            ]

    let private request =
        gen {
            let! contacts = contacts

            let! expires =
                Gen.elements (ValueNone :: some [ "0"; "60"; "300"; "junk"; "99999999999" ])

            let! callId = Gen.elements [ "one"; "two"; "three" ]
            let! cseq = Gen.choose (1, 9)
            let! flow = Gen.elements flows

            let! path =
                Gen.frequency
                    [
                        4, Gen.constant []
                        1, Gen.constant [ "<sips:edge;lr;ob>" ]
                        1, Gen.constant [ "<sip:inner;lr>"; "<sips:edge;lr;ob>" ]
                    ]

            let! scheme = Gen.elements [ Scheme.Sip; Scheme.Sips ]

            let! firstHop =
                Gen.frequency
                    [
                        4, Gen.constant FirstHop.KeepsFlow
                        1, Gen.constant FirstHop.KeepsNone
                        1, Gen.constant FirstHop.DeniesFlow
                    ]

            return
                {
                    Contacts = contacts
                    Expires = expires
                    Scheme = scheme
                    FirstHop = firstHop
                    Origin =
                        {
                            CallId = callId
                            CSeq = uint32 cseq
                            Flow = flow
                            Path = path
                        }
                }
        }

    let private event =
        Gen.frequency
            [
                12, Gen.map Event.Register request
                1, Gen.constant Event.Again
                2, Gen.choose (1, 400000) |> Gen.map (fun span -> Event.Pass(int64 span * 1L<ms>))
                1, Gen.map Event.Close (Gen.elements flows)
            ]

    let private policy =
        gen {
            let! most = Gen.choose (1, 4)
            let! overflow = Gen.elements [ Overflow.Refuse; Overflow.EvictOldest ]
            let! denied = Gen.elements [ FlowDenied.BindAddress; FlowDenied.Refuse ]

            return
                { Policy.standard with
                    MaxContacts = most
                    Overflow = overflow
                    FlowDenied = denied
                }
        }

    let private script =
        Gen.map2
            (fun policy events -> { Policy = policy; Events = events })
            policy
            (Gen.choose (1, 25) >>= fun n -> Gen.listOfLength n event)

    let private fewer items =
        seq { for i in 0 .. List.length items - 1 -> List.removeAt i items }

    let private simpler event =
        match event with
        | Event.Register({
                             Contacts = ValueSome(Contacts.These contacts)
                         } as request) ->
            fewer contacts
            |> Seq.map (fun fewer ->
                Event.Register
                    { request with
                        Contacts = ValueSome(Contacts.These fewer)
                    })
        | Event.Register _
        | Event.Again
        | Event.Pass _
        | Event.Close _ -> Seq.empty

    let private shrink (script: Script) =
        seq {
            for events in fewer script.Events do
                { script with Events = events }

            for i, event in List.indexed script.Events do
                for simple in simpler event do
                    { script with
                        Events = List.updateAt i simple script.Events
                    }
        }

    /// Everything that may happen, shrinking to fewer events and fewer contacts.
    let all: Arbitrary<Script> = Arb.fromGenShrink (script, shrink)

    let private span event =
        match event with
        | Event.Pass span -> span
        | Event.Register _
        | Event.Again
        | Event.Close _ -> 0L<ms>

    let private outcome policy now before event =
        match event with
        | Event.Register request -> Register.step policy now request before
        | Event.Pass span -> Outcome.Registered(Bindings.expire (now.After span) before)
        | Event.Close flow -> Outcome.Registered(Bindings.dropFlow flow before)
        | Event.Again -> Outcome.Registered(before, [])

    /// The bindings after a moment.
    let after (moment: Moment) : Bindings =
        match moment.Outcome with
        | Outcome.Registered(bindings, _) -> bindings
        | Outcome.Refused _ -> moment.Before

    // Every `Again` as the REGISTER that it repeats; one that repeats none is left out.
    let private spellOut events =
        let step (last, spelled) event =
            match event, last with
            | Event.Register _, _ -> Some event, event :: spelled
            | Event.Again, Some repeated -> last, repeated :: spelled
            | Event.Again, None -> last, spelled
            | (Event.Pass _ | Event.Close _), _ -> last, event :: spelled

        events |> List.fold step (None, []) |> snd |> List.rev

    /// Every moment of a script, from no bindings on.
    let tell (script: Script) : Moment list =
        let next (now: Instant, bindings, told) event =
            let moment =
                {
                    Now = now
                    Before = bindings
                    Event = event
                    Outcome = outcome script.Policy now bindings event
                }

            now.After(span event), after moment, moment :: told

        let _, _, told =
            List.fold
                next
                (Instant.FromMilliseconds 0L, Bindings.empty, [])
                (spellOut script.Events)

        List.rev told

    /// The moments of a script in which a REGISTER came, with the REGISTER.
    let registers (script: Script) : (Moment * Request) list =
        tell script
        |> List.choose (fun moment ->
            match moment.Event with
            | Event.Register request -> Some(moment, request)
            | Event.Again
            | Event.Pass _
            | Event.Close _ -> None)

    /// When a script is over, and what is bound then.
    let ending (script: Script) : Instant * Bindings =
        match List.tryLast (tell script) with
        | None -> Instant.FromMilliseconds 0L, Bindings.empty
        | Some moment -> moment.Now.After(span moment.Event), after moment
