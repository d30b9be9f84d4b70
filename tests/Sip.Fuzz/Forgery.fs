// Forgery: the kind `forge`: nonces, flow tokens, aliases and an issuer's tokens that somebody made up, altered, cut, joined or spelt
// otherwise: none is ever accepted (rules R9, rows E3 and H1).

namespace Sip.Fuzz

open System
open Sip
open Sip.Identity
open Sip.Routing
open Sip.Properties
open Sip.Transactions

/// Forging what we seal.
[<RequireQualifiedAccess>]
module Forgery =

    let private flow (number: int) : Flow =
        {
            Listener = ListenerId(number % 5)
            Transport = Ground.realm.Listeners[number % 5].Transport
            Connection = if number % 5 = 0 then 0L else int64 number
            Remote =
                {
                    Address = Address.ofV4 (uint32 number * 7919u)
                    Port = 1024 + number % 60000
                }
        }

    let private letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// Something that is not, but may look like, one of these.
    let forge (luck: Luck) (genuine: string[]) : string =
        let one, other = luck.Of genuine, luck.Of genuine
        let at = luck.Below one.Length

        match luck.Below 9 with
        | 0 -> one.Remove(at, 1).Insert(at, string letters[luck.Below 64])
        | 1 -> one.Substring(0, at) + other.Substring(min at other.Length)
        | 2 -> one.Substring(0, at)
        | 3 -> one + luck.Text(letters, 1, 4)
        | 4 -> luck.Text(letters, one.Length, one.Length)
        | 5 -> one.Substring(0, at) + luck.Text(letters, one.Length - at, one.Length - at)
        | 6 -> one.Insert(at, luck.Of [| "="; "%"; " "; "\u0000"; "/"; "+"; "." |])
        | 7 -> one.Remove(at, 1).Insert(at, string (char (luck.Below 256)))
        | _ -> one.ToLowerInvariant()

    /// What is forged: what this server seals, and what an issuer signs.
    let private sorts: Sort list =
        Seals.sorts 64 flow
        @ [
            "JWTs",
            Array.init 64 (fun i ->
                let claims = Tokens.claimsUntil (Tokens.now + 300L<s>) ("user" + string i)

                if i % 2 = 0 then
                    Tokens.sign Tokens.Signer.Rsa Tokens.rsaHeader claims
                else
                    Tokens.sign Tokens.Signer.Ecdsa Tokens.ecdsaHeader claims),
            (fun text ->
                match Bearer.prove Tokens.rules (Host.Name "example.test") Tokens.now text with
                | Borne.Proven _ -> true
                | Borne.Refused _
                | Borne.Nothing -> false)
        ]

    /// Runs and says what it came to: a forgery that was accepted is a failure.
    let run (folder: string) (seed: int) (bound: Bound) : Tally =
        let allowance = Allowance bound
        let luck = Luck seed
        let mutable count = 0L
        let mutable failures = 0

        let attempt name (genuine: string[]) (accepts: string -> bool) =
            let text = forge luck genuine

            if not (Array.contains text genuine) && accepts text then
                failures <- failures + 1
                stderr.WriteLine $"accepted of {name}: {text}"

        while allowance.Lasts count do
            for name, genuine, accepts in sorts do
                for _ in 1..100 do
                    attempt name genuine accepts

            count <- count + 100L * int64 sorts.Length

        {
            Kind = "forge"
            Seed = seed
            Count = count
            Failures = failures
            Remark =
                String.Join(", ", sorts |> List.map (fun (name, _, _) -> name))
                + $", {allowance.Seconds:F0} s"
        }
