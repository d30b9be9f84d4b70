// AuthenticationExamples: headers as real clients send them, and one register from its first
// request to its proof.

module Sip.Tests.AuthenticationExamples

open System
open Expecto
open Sip
open Sip.Identity

let private auth (nc: string) cnonce =
    Protection.Counted(Qop.Auth, (NonceCount.tryRead nc).Value, cnonce)

let private flaw text =
    match Credentials.read text with
    | Error flaw -> flaw
    | Ok read -> failtest $"read as %A{read}"

let private digest text =
    match Credentials.read text with
    | Ok(Authorization.Digest credentials) -> credentials
    | other -> failtest $"read as %A{other}"

let private headers =
    [
        test "an answer as JsSIP writes it" {
            let read =
                digest
                    "Digest algorithm=MD5, username=\"alice\", realm=\"example.com\", \
                     nonce=\"n0\", uri=\"sip:example.com\", response=\"0123\", qop=auth, \
                     cnonce=\"c0\", nc=00000001"

            Expect.equal read.Protection (auth "00000001" "c0") "counted"
            Expect.equal read.Algorithm (AlgorithmName.Known Algorithm.Md5) "MD5"
        }
        test "a folded answer with a quoted qop and parameters that we do not know" {
            let read =
                digest
                    "Digest username=\"al\\\"ice\", realm=\"r\",\r\n nonce=\"n\" ,uri=\"sip:b@c\", \
                     response=\"\", qop=\"auth\",nc=\"00000001\", cnonce=\"\", auts=\"x\", \
                     algorithm = md5-sess"

            Expect.equal read.Username "al\"ice" "without escapes"
            Expect.equal read.Protection (auth "00000001" "") "qop"
            Expect.equal read.Algorithm (AlgorithmName.Unheard "md5-sess") "kept as written"
        }
        test "no algorithm is MD5" {
            let read =
                digest "Digest username=\"\",realm=\"\",nonce=\"\",uri=\"\",response=\"\""

            Expect.equal read.Algorithm (AlgorithmName.Known Algorithm.Md5) "MD5"
            Expect.equal read.Protection Protection.NonceOnly "no qop"
        }
        test "other schemes are named and not read further" {
            let scheme text =
                match Credentials.read text with
                | Ok(Authorization.OtherScheme name) -> name
                | other -> failtest $"read as %A{other}"

            Expect.equal (scheme "Bearer eyJhbGciOi.J9==.x/y") "Bearer" "a bare token"
            Expect.equal (scheme "Basic YWxpY2U6eA==") "Basic" "never accepted, but named"
            Expect.equal (scheme "Negotiate") "Negotiate" "nothing behind it"
        }
        test "what is wrong is said in words" {
            let words text = Flaw.words (flaw text)
            let rest = "realm=\"r\",nonce=\"n\",uri=\"u\",response=\"0\""

            Expect.equal
                (words ("Digest username=\"a\",qop=auth,nc=1,cnonce=\"c\"," + rest))
                "The authorization's nc cannot be read"
                "nc"

            Expect.equal
                (words ("Digest username=\"a\",qop=auth,nc=00000001," + rest))
                "The authorization has no cnonce"
                "cnonce"

            Expect.equal
                (words ("Digest username=\"a\",USERNAME=\"b\"," + rest))
                "The authorization has two of username"
                "twice"

            Expect.equal (words "Digest") "The authorization cannot be read" "no parameters"
        }
        test "RFC 3665 section 2.1 lacks a comma and is refused" {
            Expect.stringStarts
                (Flaw.words (flaw "Digest username=\"bob\", realm=\"a\"\r\n nonce=\"b\""))
                "The authorization cannot be read"
                "refused"
        }
        test "of several challenges the topmost that can be answered is chosen" {
            let challenge text =
                match Challenge.read text with
                | Ok(Demand.Digest challenge) -> challenge
                | other -> failtest $"read as %A{other}"

            let offered =
                [
                    "Digest realm=\"r\", nonce=\"1\", algorithm=SHA3-256, qop=\"auth\""
                    "Digest realm=\"r\", nonce=\"2\", algorithm=SHA-256, qop=\"auth-int\""
                    "Digest realm=\"r\", nonce=\"3\", algorithm=SHA-256, qop=\"auth, auth-int\""
                    "Digest realm=\"r\", nonce=\"4\", stale=TRUE"
                ]
                |> List.map challenge

            Expect.equal ((Challenge.choose offered).Value.Nonce) "3" "SHA-256 with auth"
            Expect.equal offered[3].Staleness Staleness.Stale "in any case"
            Expect.equal (Challenge.choose (List.take 2 offered)) ValueNone "neither"
        }
    ]

let private keys: NonceKeys =
    {
        Current = (NonceKey.TryOf(1uy, ReadOnlySpan(Array.zeroCreate<byte> NonceKey.Size))).Value
        Previous = ValueNone
    }

let private settingsOver =
    Authentication.settings "example.com" (Host.Name "example.com") keys

let private settings = settingsOver Transport.Udp

let private register credentials : Attempt =
    {
        Method = "REGISTER"
        Uri = "sip:example.com"
        Credentials = credentials
        Bound = ""
        Seed = "z9hG4bK1"
    }

let private judge attempt =
    Authentication.judge
        settings
        (Instant.FromMilliseconds 1000L)
        (fun user ->
            if user = "alice" then
                ValueSome(Subscriber.enroll "example.com" "alice" "wonderland")
            else
                ValueNone)
        (fun _ -> Window.unused)
        attempt

let private challenges () =
    Authentication.challenges
        settings
        (Instant.FromMilliseconds 1000L)
        (register [])
        Staleness.Fresh

let private transcript =
    [
        test "a register without credentials is challenged by MD5 first, one nonce for all" {
            Expect.equal (judge (register [])) (Verdict.Challenge Staleness.Fresh) "challenged"

            let nonce = (challenges ()).Head.Split('"')[3]
            let start = $"Digest realm=\"example.com\", nonce=\"{nonce}\""

            Expect.equal
                (challenges ())
                [
                    start + ", qop=\"auth\", algorithm=MD5"
                    start + ", qop=\"auth\", algorithm=SHA-256"
                    start + ", qop=\"auth\", algorithm=SHA-512-256"
                ]
                "as a browser reads it"

            Expect.isTrue
                (nonce.Length = 40
                 && Seq.forall (fun c -> Char.IsAsciiLetterOrDigit c || c = '-' || c = '_') nonce)
                "base64url"
        }
        test "over WebSocket MD5 is challenged last, where JsSIP and SIP.js look for it" {
            for transport in [ Transport.Ws; Transport.Wss ] do
                let last =
                    Authentication.challenges
                        (settingsOver transport)
                        (Instant.FromMilliseconds 1000L)
                        (register [])
                        Staleness.Fresh
                    |> List.last

                Expect.stringEnds last "algorithm=MD5" "MD5"
        }
        test "the register that answers it is alice's" {
            let login: Login =
                {
                    Username = "alice"
                    Ha1 = Ha1.ofPassword Algorithm.Md5 "example.com" "alice" "wonderland"
                }

            let answer =
                match Challenge.read (challenges ()).Head with
                | Ok(Demand.Digest challenge) ->
                    challenge
                    |> Digest.answer
                        login
                        "REGISTER"
                        "sip:example.com"
                        (NonceCount.ofNumber 1u)
                        "0a4f113b"
                    |> Credentials.print
                | other -> failtest $"read as %A{other}"

            match judge (register [ answer ]) with
            | Verdict.Proven(principal, spent, _) ->
                Expect.equal principal.User "alice" "who"
                Expect.equal spent.Window { Highest = 1u; Seen = 1UL } "once"
                Expect.equal spent.Forget (Instant.FromMilliseconds 301000L) "in five minutes"
            | other -> failtest $"judged %A{other}"
        }
        test "a client that sends empty credentials before any challenge is challenged" {
            let empty =
                "Digest username=\"alice\", realm=\"example.com\", nonce=\"\", \
                 uri=\"sip:example.com\", response=\"\""

            Expect.equal
                (judge (register [ empty ]))
                (Verdict.Challenge Staleness.Fresh)
                "challenged"
        }
        test "a From that hides its user is nobody's" {
            let alice = Principal.at (Host.Name "example.com") "alice"

            let use' user host =
                Principal.mayUse alice (Uri.Sip(Uri.ofUser user (Host.Name host)))

            Expect.equal (use' "anonymous" "anonymous.invalid") Use.Anonymous "hidden"
            Expect.equal (use' "%61lice" "example.com") Use.Own "escaped"
            Expect.equal (use' "Alice" "example.com") Use.Foreign "users have case"
        }
    ]

let all = testList "Authentication" [ yield! headers; yield! transcript ]
