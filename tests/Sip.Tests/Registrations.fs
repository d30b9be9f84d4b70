// Registrations: REGISTERs as RFC 3665 §2 shows them, and the sentences of RFC 3261 §10.3 one by
// one, with what browsers, RFC 5626 and RFC 5630 add to them.

module Sip.Tests.Registrations

open Expecto
open Sip
open Sip.Registrar

let private at seconds =
    Instant.FromMilliseconds(seconds * 1000L)

let private flow transport connection =
    {
        Listener = ListenerId 0
        Transport = transport
        Connection = connection
        Remote =
            {
                Address = Address.ofV4 0xC0000201u
                Port = 5061
            }
    }

let private phone = flow Transport.Tls 1L
let private browser = flow Transport.Wss 2L

let private parameters (pairs: (string * string) list) =
    pairs
    |> List.map (fun (name, value) ->
        {
            Name = name
            Value = if value = "" then ValueNone else ValueSome value
        })

let private contact scheme user host pairs =
    let uri =
        { Uri.ofUser user (Host.Name host) with
            Scheme = scheme
        }

    {
        Display = ""
        Uri = Uri.Sip uri
        Parameters = parameters pairs
    }

let private sip = contact Scheme.Sip
let private sips = contact Scheme.Sips
let private mailto = NameAddr.ofUri (Uri.Other("mailto", "bob@biloxi.example.com"))
let private bobs = sips "bob" "client.biloxi.example.com" []
let private desk = sip "bob" "desk.example.com" []

let private register cseq contacts : Request =
    {
        Contacts = ValueSome(Contacts.These contacts)
        Expires = ValueNone
        Scheme = Scheme.Sips
        FirstHop = FirstHop.KeepsFlow
        Origin =
            {
                CallId = "1j9FpLxk3uxtm8tn@biloxi.example.com"
                CSeq = cseq
                Flow = phone
                Path = []
            }
    }

let private lasting expires (request: Request) =
    { request with
        Expires = ValueSome expires
    }

let private from callId (request: Request) =
    { request with
        Request.Origin.CallId = callId
    }

let private over flow (request: Request) =
    { request with
        Request.Origin.Flow = flow
    }

let private star cseq =
    { register cseq [] with
        Contacts = ValueSome Contacts.Star
    }

let private policy =
    { Policy.standard with
        DefaultExpires = 3600L<s>
    }

let private accept now request bindings =
    match Register.step policy now request bindings with
    | Outcome.Registered(after, changes) -> after, changes
    | Outcome.Refused refusal -> failtest (Refusal.reason refusal)

let private after now request bindings = fst (accept now request bindings)

let private refusalBy policy now request bindings =
    match Register.step policy now request bindings with
    | Outcome.Registered _ -> failtest "it was registered"
    | Outcome.Refused refusal -> refusal

let private refused = refusalBy policy

let private bound = after (at 0L) (register 1u [ desk ]) Bindings.empty

let private answer now request bindings =
    Register.contacts now request bindings |> List.map NameAddr.print

let private uris bindings =
    Bindings.toList bindings |> List.map (fun b -> Uri.print b.Contact.Uri)

let private flows =
    testList
        "RFC 3665 §2"
        [
            test "2.1: Bob's new registration is answered with his contact for an hour" {
                let request = register 2u [ bobs ]
                let bindings, changes = accept (at 0L) request Bindings.empty
                let expected = "<sips:bob@client.biloxi.example.com>;expires=3600"
                Expect.equal (answer (at 0L) request bindings) [ expected ] "the contact"
                Expect.equal changes (Bindings.toList bindings |> List.map Change.Added) "added"
            }

            test "2.2: a second contact joins the first, whatever its scheme" {
                let first = after (at 0L) (register 1u [ bobs ]) Bindings.empty
                let request = register 1u [ mailto ]

                let expected =
                    [
                        "<sips:bob@client.biloxi.example.com>;expires=3600"
                        "<mailto:bob@biloxi.example.com>;expires=3600"
                    ]

                let both = after (at 0L) request first
                Expect.equal (answer (at 0L) request both) expected "both, the new one last"
            }

            test "2.3: a request without Contact is answered with what is bound" {
                let query =
                    { register 2u [] with
                        Contacts = ValueNone
                    }

                let bindings, changes = accept (at 600L) query bound
                Expect.equal bindings bound "unchanged"
                Expect.isEmpty changes "nothing happened"
                let expected = "<sip:bob@desk.example.com>;expires=3000"
                Expect.equal (answer (at 600L) query bindings) [ expected ] "3000 s are left"
            }

            test "2.4: Contact * with Expires 0 cancels every registration" {
                let other = after (at 0L) (register 1u [ mailto ] |> from "another") bound
                let bindings, changes = accept (at 1L) (star 2u |> lasting "0") other
                Expect.isTrue (Bindings.isEmpty bindings) "nothing is bound"
                Expect.equal changes.Length 2 "both are reported"
            }
        ]

let private step6 =
    testList
        "RFC 3261 §10.3 step 6"
        [
            for expires in [ ValueNone; ValueSome "1"; ValueSome "junk" ] do
                test $"Contact * with Expires %A{expires} is a bad request" {
                    let request = { star 2u with Expires = expires }
                    let refusal = refused (at 0L) request bound
                    Expect.equal (Refusal.status refusal) Status.badRequest "400"
                }

            test "Contact * of the same Call-ID needs a higher CSeq" {
                let refusal = refused (at 0L) (star 1u |> lasting "0") bound
                Expect.equal refusal Refusal.OutOfOrder "aborted"
            }

            test "Contact * of another Call-ID removes whatever its CSeq" {
                let bindings = after (at 0L) (star 1u |> lasting "0" |> from "another") bound
                Expect.isTrue (Bindings.isEmpty bindings) "removed"
            }
        ]

let private expiry bindings =
    (Bindings.wake bindings).Milliseconds / 1000L

let private step7 =
    testList
        "RFC 3261 §10.3 step 7"
        [
            test "the expires parameter goes before the Expires header" {
                let request = register 1u [ sip "bob" "h" [ "expires", "100" ] ] |> lasting "200"
                Expect.equal (expiry (after (at 0L) request Bindings.empty)) 100L "100 s"
            }

            test "the Expires header goes before the default" {
                let request = register 1u [ desk ] |> lasting "200"
                Expect.equal (expiry (after (at 0L) request Bindings.empty)) 200L "200 s"
            }

            test "a malformed expires parameter counts as an hour" {
                let request = register 1u [ sip "bob" "h" [ "expires", "" ] ] |> lasting "200"
                Expect.equal (expiry (after (at 0L) request Bindings.empty)) 3600L "an hour"
            }

            test "an interval longer than the policy's is shortened" {
                let request = register 1u [ desk ] |> lasting "4294967295"
                Expect.equal (expiry (after (at 0L) request Bindings.empty)) 3600L "an hour"
            }

            test "an interval that is too brief is refused, with the least one" {
                let refusal = refused (at 0L) (register 1u [ desk ] |> lasting "59") Bindings.empty
                Expect.equal (Refusal.status refusal) Status.intervalTooBrief "423"
                Expect.equal (Refusal.headers refusal) [ "Min-Expires", "60" ] "Min-Expires"
            }

            test "an interval of an hour is never too brief" {
                let strict =
                    { policy with
                        MinExpires = 7200L<s>
                        MaxExpires = 86400L<s>
                    }

                match Register.step strict (at 0L) (register 1u [ desk ]) Bindings.empty with
                | Outcome.Registered(bindings, _) -> Expect.equal (expiry bindings) 3600L "taken"
                | Outcome.Refused refusal -> failtest (Refusal.reason refusal)
            }

            test "one brief contact among others binds none of them" {
                let brief = sip "bob" "h" [ "expires", "5" ]
                let refusal = refused (at 0L) (register 2u [ mailto; brief ]) bound
                Expect.equal (Refusal.status refusal) Status.intervalTooBrief "423"
            }

            test "a refresh of the same Call-ID needs a higher CSeq" {
                let late = register 1u [ sip "bob" "desk.example.com" [ "q", "0.5" ] ]
                let refusal = refused (at 10L) late bound
                Expect.equal (Refusal.status refusal) Status.serverError "500"
            }

            test "a refresh with a higher CSeq lasts from now on" {
                let bindings, changes = accept (at 10L) (register 2u [ desk ]) bound
                Expect.equal (expiry bindings) 3610L "an hour from now"

                match changes with
                | [ Change.Refreshed(before, after) ] ->
                    Expect.equal (before.CSeq, after.CSeq) (1u, 2u) "CSeq is recorded"
                | other -> failtest $"%A{other}"
            }

            test "a refresh of another Call-ID needs no higher CSeq" {
                let bindings = after (at 10L) (register 1u [ desk ] |> from "another") bound
                Expect.equal (expiry bindings) 3610L "an hour from now"
            }

            test "an interval of zero removes one contact and leaves the other" {
                let both = after (at 0L) (register 2u [ mailto ]) bound
                let gone = sip "bob" "DESK.example.com" [ "expires", "0" ]

                let gone =
                    { gone with
                        Uri = Uri.Sip(Uri.ofUser "%62ob" (Host.Name "desk.example.com"))
                    }

                let bindings, changes = accept (at 1L) (register 3u [ gone ]) both
                Expect.equal (uris bindings) [ "mailto:bob@biloxi.example.com" ] "one is left"

                match changes with
                | [ Change.Removed(_, Departure.Unregistered) ] -> ()
                | other -> failtest $"%A{other}"
            }

            test "removing what is not bound is no error" {
                let request = register 2u [ mailto ] |> lasting "0"
                Expect.equal (accept (at 1L) request bound) (bound, []) "nothing happened"
            }

            test "q outside 0 to 1 is a bad request" {
                let refusal = refused (at 0L) (register 2u [ sip "bob" "h" [ "q", "1.1" ] ]) bound
                Expect.equal (Refusal.status refusal) Status.badRequest "400"
            }
        ]

let private limits =
    let small = { policy with MaxContacts = 1 }

    testList
        "Limits"
        [
            test "a contact too many is forbidden" {
                let refusal = refusalBy small (at 0L) (register 2u [ mailto ]) bound
                Expect.equal (Refusal.status refusal) Status.forbidden "403"
            }

            test "a contact too many takes the place of the oldest, where the policy says so" {
                let evicting =
                    { small with
                        Overflow = Overflow.EvictOldest
                    }

                match Register.step evicting (at 0L) (register 2u [ mailto ]) bound with
                | Outcome.Registered(bindings,
                                     [ Change.Removed(_, Departure.Evicted); Change.Added _ ]) ->
                    Expect.equal (uris bindings) [ "mailto:bob@biloxi.example.com" ] "the newer one"
                | other -> failtest $"%A{other}"
            }

            test "a limit that has been lowered lets what is bound be refreshed" {
                let both = after (at 0L) (register 2u [ mailto ]) bound

                match Register.step small (at 1L) (register 3u [ desk ]) both with
                | Outcome.Registered(bindings, _) ->
                    Expect.equal (List.length (uris bindings)) 2 "both are kept"
                | Outcome.Refused refusal -> failtest (Refusal.reason refusal)
            }

            test "the last half second of a binding is told as one second" {
                let soon = Instant.FromMilliseconds 3599500L
                let expected = "<sip:bob@desk.example.com>;expires=1"
                Expect.equal (answer soon (register 1u []) bound) [ expected ] "not 0"
            }
        ]

let private outboundContact user host regId =
    sip
        user
        host
        [
            "+sip.ice", ""
            "reg-id", regId
            "+sip.instance", "\"<urn:uuid:0C67446E-F1A1-11D9-94D3-000A95A0E128>\""
            "expires", "600"
        ]

let private browsers =
    let jssip cseq callId host =
        register cseq [ outboundContact "alice" host "1" ]
        |> from callId
        |> over browser

    testList
        "Browsers (RFC 5626 §6, RFC 7118)"
        [
            test "an instance that comes back on a new flow has one binding, on the new one" {
                let before = after (at 0L) (jssip 1u "page one" "x1.invalid") Bindings.empty
                let reloaded = flow Transport.Wss 3L
                let request = jssip 1u "page two" "x2.invalid" |> over reloaded
                let bindings, changes = accept (at 5L) request before

                match Bindings.toList bindings, changes with
                | [ binding ], [ Change.Refreshed _ ] ->
                    Expect.equal binding.Flow reloaded "the new flow"
                | other -> failtest $"%A{other}"

                Expect.equal
                    (Bindings.dropFlow browser bindings)
                    (bindings, [])
                    "the old one is idle"
            }

            test "the answer to JsSIP has its own contact with its parameters, and expires" {
                let request = jssip 1u "page" "x1.invalid"
                let bindings = after (at 0L) request Bindings.empty

                let expected =
                    "<sip:alice@x1.invalid>;+sip.ice;reg-id=1"
                    + ";+sip.instance=\"<urn:uuid:0C67446E-F1A1-11D9-94D3-000A95A0E128>\";expires=500"

                Expect.equal (answer (at 100L) request bindings) [ expected ] "as it was written"
                Expect.isTrue (Register.keepsFlow request bindings) "Require: outbound"
            }

            test "without an instance the made-up host of the same user and flow is replaced" {
                let first = register 1u [ sip "alice" "x1.invalid" [] ] |> over browser |> from "a"
                let again = register 1u [ sip "alice" "x2.invalid" [] ] |> over browser |> from "b"
                let bindings, changes = accept (at 1L) again (after (at 0L) first Bindings.empty)
                Expect.equal (uris bindings) [ "sip:alice@x2.invalid" ] "the newer host"

                match changes with
                | [ Change.Removed(_, Departure.Replaced); Change.Added _ ] -> ()
                | other -> failtest $"%A{other}"
            }

            test "two flows of one instance are one target and its spare" {
                let one = after (at 0L) (jssip 1u "page" "x1.invalid") Bindings.empty
                let other = register 2u [ outboundContact "alice" "x1.invalid" "2" ] |> from "page"
                let both = after (at 1L) other one

                match Bindings.lookup (at 2L) both with
                | [ [ { First = first; Spare = [ spare ] } ] ] ->
                    Expect.equal
                        (first.RegId, spare.RegId)
                        (ValueSome 2, ValueSome 1)
                        "newest first"
                | found -> failtest $"%A{found}"
            }

            test "two contacts, one of them with a reg-id, are a bad request" {
                let request = register 1u [ desk; outboundContact "bob" "h" "1" ]
                let refusal = refused (at 0L) request Bindings.empty
                Expect.equal refusal Refusal.SeveralOnOneFlow "400"
            }

            test "a first hop that keeps no flow is told by 439 only where the policy is strict" {
                let request =
                    { jssip 1u "page" "x1.invalid" with
                        FirstHop = FirstHop.DeniesFlow
                    }

                let strict =
                    { policy with
                        FlowDenied = FlowDenied.Refuse
                    }

                let refusal = refusalBy strict (at 0L) request Bindings.empty
                Expect.equal (Refusal.status refusal).Number 439 "439"
                let bindings = after (at 0L) request Bindings.empty
                Expect.isFalse (Register.keepsFlow request bindings) "bound by its address"
            }

            test "a binding with a Path outlives the connection that its REGISTER came by" {
                let request = register 1u [ desk ]

                let request =
                    { request with
                        Request.Origin.Path = [ "<sips:edge.example.com;lr;ob>" ]
                    }

                let bindings = after (at 0L) request Bindings.empty
                Expect.equal (Bindings.dropFlow phone bindings) (bindings, []) "it stays"
            }
        ]

let private secure =
    testList
        "SIPS (RFC 5630)"
        [
            test "a SIPS contact needs a SIPS Request-URI" {
                let request =
                    { register 1u [ bobs ] with
                        Scheme = Scheme.Sip
                    }

                Expect.equal (refused (at 0L) request Bindings.empty) Refusal.Insecure "400"
            }

            test "a SIPS contact takes the place of its SIP form" {
                let request = register 2u [ sips "bob" "desk.example.com" [] ]
                let bindings = after (at 0L) request bound
                Expect.equal (uris bindings) [ "sips:bob@desk.example.com" ] "one of them"
            }
        ]

let private addresses =
    let key (uri: SipUri) = (Aor.ofSip uri).Key

    testList
        "Addresses of record (step 5)"
        [
            test "parameters go, escapes are decoded, the user's case stays" {
                let uri =
                    { Uri.ofUser "%42ob" (Host.Name "example.com") with
                        Parameters = parameters [ "user", "phone" ]
                    }

                Expect.equal (key uri) "Bob@example.com" "canonical"
            }

            test "a port that is not the scheme's own makes another address" {
                let uri = Uri.ofUser "bob" (Host.Name "example.com")
                Expect.equal (key { uri with Port = ValueSome 5060 }) (key uri) "the default port"
                Expect.notEqual (key { uri with Port = ValueSome 5070 }) (key uri) "another port"
            }

            test "a telephone number is no address of record" {
                let tel = Uri.Tel { Number = "+1201555"; Parameters = [] }
                Expect.equal (Aor.ofUri tel) ValueNone "only SIP and SIPS"
            }
        ]

/// Every example.
let all: Test =
    testList "Registrations" [ flows; step6; step7; limits; browsers; secure; addresses ]
