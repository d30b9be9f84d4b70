// SecrecyLaws: what nobody learns from us: who is a subscriber, and their keys.

module Sip.Properties.SecrecyLaws

open System
open Expecto
open FsCheck.FSharp
open Sip
open Sip.Identity
open Sip.Properties.IdentityCases
open Sip.Properties.Callers

// The least of five rounds: the pool may drop its buffers once, code that allocates always does.
let private allocated (work: unit -> unit) : int64 =
    let round () =
        let before = GC.GetAllocatedBytesForCurrentThread()

        for _ in 1..50 do
            work ()

        GC.GetAllocatedBytesForCurrentThread() - before

    Seq.min (List.init 5 (fun _ -> round ()))

let private signedBy (credentials: Credentials) (caller: Caller) : Signed =
    {
        Method = caller.Method
        Uri = caller.Uri
        Nonce = credentials.Nonce
        Protection = credentials.Protection
    }

let private lawsOfSecrecy =
    [
        Law.holds "an unknown user and a wrong password look the same" caller
        <| fun caller ->
            let guess = answerWith caller (caller.Password + "x")
            let wrong = judge caller (enrolled caller) never [ guess ]
            let unknown = judge caller nobody never [ guess ]
            wrong = unknown && unknown = judge caller nobody never [ answer caller ]

        Law.holds "nobody's key opens nothing" caller
        <| fun caller ->
            let login =
                {
                    Username = Subscriber.wireName caller.User
                    Ha1 = Ha1.ofNobody caller.Algorithm
                }

            asked caller
            |> List.find (fun c -> c.Algorithm = AlgorithmName.Known caller.Algorithm)
            |> Digest.answer login caller.Method caller.Uri caller.Count "c"
            |> fun forged -> judge caller nobody never [ forged ] = anew

        Law.holds "a store that finds another user or another realm's proves nothing" caller
        <| fun caller ->
            let sound = answer caller

            let loosely change (_: string) : Subscriber voption =
                ValueSome(change (Subscriber.enroll caller.Realm caller.User caller.Password))

            let user = loosely (fun s -> { s with User = s.User + "x" })
            let realm = loosely (fun s -> { s with Realm = s.Realm + "x" })

            judge caller user never [ sound ] = anew
            && judge caller realm never [ sound ] = anew

        Law.holds "a subscriber without a key for the algorithm is like an unknown one" caller
        <| fun caller ->
            let keyless (_: string) : Subscriber voption =
                ValueSome
                    { Subscriber.enroll caller.Realm caller.User caller.Password with
                        Md5 = ValueNone
                        Sha256 = ValueNone
                        Sha512 = ValueNone
                    }

            judge caller keyless never [ answer caller ] = anew

        Law.holds "a key never prints itself" caller
        <| fun caller ->
            let subscriber = Subscriber.enroll caller.Realm caller.User caller.Password
            let digits = Ha1.expose (Subscriber.ha1 caller.Algorithm subscriber).Value

            not ($"%A{subscriber}".Contains digits)
            && Ha1.tryRead caller.Algorithm digits |> ValueOption.map Ha1.expose = ValueSome digits

        Law.holds "comparing a response allocates nothing" caller
        <| fun caller ->
            let sound = answer caller

            let key =
                (Subscriber.ha1 caller.Algorithm (enrolled caller sound.Username).Value).Value

            let signed = signedBy sound caller
            allocated (fun () -> Digest.verify key signed sound.Response |> ignore) = 0L

        Law.holds "judging a nonce allocates nothing" caller
        <| fun caller ->
            let sound = answer caller

            let binding =
                {
                    Realm = sound.Realm
                    Bound = "flow 7"
                }

            allocated (fun () ->
                Nonce.judge keys caller.Now Nonce.lifetime binding sound.Nonce |> ignore)
                =
                0L
    ]

let all = testList "Secrecy" [ yield! lawsOfSecrecy ]
