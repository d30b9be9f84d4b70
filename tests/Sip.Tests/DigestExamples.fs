// DigestExamples: the RFCs' own digests. Those that no RFC prints were computed by another program.

module Sip.Tests.DigestExamples

open System
open System.IO
open Expecto
open Sip
open Sip.Identity

let private response algorithm (user, realm, password) method uri nonce protection =
    Digest.response
        (Ha1.ofPassword algorithm realm user password)
        {
            Method = method
            Uri = uri
            Nonce = nonce
            Protection = protection
        }

let private auth (nc: string) cnonce =
    Protection.Counted(Qop.Auth, (NonceCount.tryRead nc).Value, cnonce)

let private mufasa = "Mufasa", "http-auth@example.org", "Circle of Life"
let private nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
let private cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

let private digests =
    [
        test "RFC 7616 section 3.9.1 with MD5" {
            Expect.equal
                (response
                    Algorithm.Md5
                    mufasa
                    "GET"
                    "/dir/index.html"
                    nonce
                    (auth "00000001" cnonce))
                "8ca523f5e9506fed4657c9700eebdbec"
                "the printed response"
        }
        test "RFC 7616 section 3.9.1 with SHA-256" {
            Expect.equal
                (response
                    Algorithm.Sha256
                    mufasa
                    "GET"
                    "/dir/index.html"
                    nonce
                    (auth "00000001" cnonce))
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
                "the printed response"
        }
        test "SHA-512/256 of nothing, of abc and of every length around its blocks" {
            let hash (bytes: byte[]) =
                let digits = Array.zeroCreate<byte>(Algorithm.digits Algorithm.Sha512)
                Algorithm.hexHash Algorithm.Sha512 (ReadOnlySpan bytes) (Span digits)
                Text.ofBytes (ReadOnlySpan digits)

            Expect.equal
                (hash [||])
                "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a"
                "nothing"

            Expect.equal
                (hash "abc"B)
                "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"
                "FIPS 180-4"

            // The hash of the hashes of 0 to 400 bytes, as OpenSSL gives it.
            [| 0..400 |]
            |> Array.collect (fun length ->
                Array.init length (fun place -> byte (length * 7 + place))
                |> hash
                |> Convert.FromHexString)
            |> hash
            |> fun whole ->
                Expect.equal
                    whole
                    "d8907da29fd7687687d6e7ffad42480468ad727836e2f816de211ed0bdb5f170"
                    "every length"
        }
        test "RFC 2617 section 3.5" {
            Expect.equal
                (response
                    Algorithm.Md5
                    ("Mufasa", "testrealm@host.com", "Circle Of Life")
                    "GET"
                    "/dir/index.html"
                    "dcd98b7102dd2f0e8b11d0f600bfb0c093"
                    (auth "00000001" "0a4f113b"))
                "6629fae49393a05397450978507c4ef1"
                "the printed response"
        }
        test "RFC 2069 section 2.4, as its erratum corrects it" {
            Expect.equal
                (response
                    Algorithm.Md5
                    ("Mufasa", "testrealm@host.com", "CircleOfLife")
                    "GET"
                    "/dir/index.html"
                    "dcd98b7102dd2f0e8b11d0f600bfb0c093"
                    Protection.NonceOnly)
                "1949323746fe6a43ef61f9606e7febea"
                "the corrected response"
        }
        test "RFC 8760 over a SIP request" {
            Expect.equal
                (response
                    Algorithm.Sha256
                    ("alice", "example.com", "wonderland")
                    "REGISTER"
                    "sip:example.com"
                    "AQEAAAAAA-i6n0Qz9hJt"
                    (auth "00000001" "0a4f113b"))
                "60a9370c8019a693c88dfaf9e2aad04a261b2de3731e7a95444acecd1cf9540a"
                "the response"
        }
        test "a count in upper case is hashed as it was written" {
            Expect.equal
                (response
                    Algorithm.Md5
                    ("alice", "example.com", "wonderland")
                    "INVITE"
                    "sip:bob@example.com;transport=ws"
                    "n0"
                    (auth "0000000A" "c0"))
                "9ed5871391cfcaf2ea4215ad47036a33"
                "the response"
        }
        test "a name and a password beyond ASCII are hashed as UTF-8" {
            let subscriber = Subscriber.enroll "example.com" "Jäsøn Doe" "Zwölf Boxkämpfer"

            Expect.equal (Ha1.expose subscriber.Md5.Value) "d0a207dc088cf55d63a6892deab34881" "HA1"

            Expect.equal subscriber.User "J\u00C3\u00A4s\u00C3\u00B8n Doe" "one character a byte"
        }
        test "nothing but empty text has a digest too" {
            Expect.equal
                (response Algorithm.Md5 ("", "", "") "" "" "" (auth "00000000" ""))
                "17c193bad294ddc2557f84f1681682a3"
                "the response"
        }
    ]

let private checkVector (names: string[]) (line: string) =
    let fields = line.Split '\t'
    let field name = fields[Array.IndexOf(names, name)]

    let protection =
        if field "qop" = "" then
            Protection.NonceOnly
        else
            auth (field "nc") (field "cnonce")

    match Algorithm.named (field "algorithm") with
    | AlgorithmName.Known algorithm ->
        let computed =
            response
                algorithm
                (field "username", field "realm", field "password")
                (field "method")
                (field "uri")
                (field "nonce")
                protection

        if field "verified" = "yes" then
            Expect.equal computed (field "response") (field "id")
        else
            Expect.notEqual computed (field "response") (field "id" + ", misprinted")

        1
    | AlgorithmName.Unheard _ -> 0

let private vectors =
    [
        test "the collected vectors of the RFCs" {
            let file =
                Sip.Properties.Conformance.folder
                |> Option.map (fun folder -> Path.Combine(folder, "digest", "rfc-vectors.tsv"))
                |> Option.filter File.Exists

            match file with
            | Some file ->
                let lines = File.ReadAllLines file
                let names = lines[0].Split '\t'
                let known = lines[1..] |> Array.sumBy (checkVector names)
                Expect.equal known (lines.Length - 1) "vectors of algorithms that we have"
            | None ->
                stdout.WriteLine
                    "Left out: the collected digest vectors (set SIP_CONFORMANCE to their folder)"
        }
    ]

let all = testList "Digests" [ yield! digests; yield! vectors ]
