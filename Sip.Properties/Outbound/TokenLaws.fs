// TokenLaws: what is true of every flow token, and of every text that is none (RFC 5626 §5.2).

namespace Sip.Properties.Outbound

open System
open System.Buffers.Text
open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Routing
open Sip.Properties

/// The laws of FlowToken.
[<RequireQualifiedAccess>]
module TokenLaws =

    let private mint: Mint =
        {
            Node = 3u
            Epoch = 77UL
            Keys = Addresses.keys
        }

    let private now = Instant.FromMilliseconds 1_000_000L
    let private later = now.After 60_000L<ms>
    let private flows = Arb.fromGen Addresses.flow
    let private token flow = FlowToken.mint mint later flow

    let private leads =
        Law.holds "a flow token leads to the flow that it was minted for" flows
        <| fun flow -> FlowToken.trace mint now (token flow) = Traced.Leads flow

    let private readable =
        Law.holds "a flow token stands in a user part as it is" flows
        <| fun flow ->
            let uri =
                { Uri.ofUser (token flow) (Host.Name "edge.example.test") with
                    Parameters = [ { Name = "lr"; Value = ValueNone } ]
                }

            Wire.UriView.ofText (Uri.printSip uri) = ValueSome(Uri.Sip uri)

    let private dies =
        Law.holds "a flow token is dead from its last instant on" flows
        <| fun flow ->
            FlowToken.trace mint later (token flow) = Traced.Dead
            && FlowToken.trace mint (Instant.FromMilliseconds(later.Milliseconds - 1L)) (token flow) =
                Traced.Leads flow

    let private anotherRun =
        Law.holds
            "after a restart the token of a connection is dead, that of a datagram leads on"
            flows
        <| fun flow ->
            let restarted = { mint with Epoch = 78UL }

            FlowToken.trace restarted now (token flow) =
                (if Flow.isConnection flow then
                     Traced.Dead
                 else
                     Traced.Leads flow)

    let private anotherNode =
        Law.holds "a token of another node names that node" flows
        <| fun flow ->
            FlowToken.trace { mint with Node = 4u } now (token flow) = Traced.Elsewhere 3u

    let private rotation =
        Law.holds "a new key opens the tokens of the one before it, and of no other" flows
        <| fun flow ->
            let once = Keyring.rotate 2uy (Addresses.secret 2) mint.Keys
            let twice = Keyring.rotate 3uy (Addresses.secret 3) once
            let old = token flow
            let fresh = FlowToken.mint { mint with Keys = once } later flow

            FlowToken.trace { mint with Keys = once } now old = Traced.Leads flow
            && FlowToken.trace { mint with Keys = once } now fresh = Traced.Leads flow
            && FlowToken.trace { mint with Keys = twice } now fresh = Traced.Leads flow
            && FlowToken.trace { mint with Keys = twice } now old = Traced.Forged

    let private damaged =
        gen {
            let! flow = Addresses.flow
            return! Messages.damagedToken (token flow)
        }

    let private damage =
        Law.holds "a flow token with any one letter changed is forged" (Arb.fromGen damaged)
        <| fun text -> FlowToken.trace mint now text = Traced.Forged

    let private purposes =
        Law.holds "what was sealed for another purpose is no flow token" flows
        <| fun flow ->
            let content = (Keyring.tryOpen mint.Keys "flow" (token flow)).Value

            FlowToken.trace mint now (Keyring.close mint.Keys "gruu" content) = Traced.Forged
            && FlowToken.trace mint now (Keyring.conceal mint.Keys "flow" content[..47]) =
                Traced.Forged

    let private alias =
        Law.holds "an alias and a flow token are one format" flows
        <| fun flow ->
            let alias = Alias.mint mint flow
            alias.Length = (token flow).Length

    // Every byte of it is drawn anew, or one bit flips, or the halves of two tokens are joined.
    let private million =
        testCase "of a million forged, flipped, cut and swapped tokens none is accepted"
        <| fun () ->
            let random = Random 20120604

            let sample = Gen.sampleWithSeed (Rnd 5626UL) 50 64 Addresses.flow |> Array.map token

            let raw =
                sample |> Array.map (fun token -> Base64Url.DecodeFromChars(token.AsSpan()))

            let forge i =
                let one = Array.copy raw[i % raw.Length]
                let two = raw[(i / 7 + 1) % raw.Length]

                match i % 4 with
                | 0 ->
                    let bit = random.Next(one.Length * 8)
                    one[bit / 8] <- one[bit / 8] ^^^ (1uy <<< (bit % 8))
                | 1 -> random.NextBytes(Span(one, 1, one.Length - 1))
                | 2 -> Array.blit two 50 one 50 16
                | _ -> random.NextBytes(Span(one, 50, 1 + random.Next 16))

                if Array.contains one raw then
                    ""
                elif i % 11 = 0 then
                    Base64Url.EncodeToString(ReadOnlySpan(one, 0, random.Next one.Length))
                else
                    Base64Url.EncodeToString(ReadOnlySpan one)

            for i in 1..1_000_000 do
                match FlowToken.trace mint now (forge i) with
                | Traced.Forged -> ()
                | Traced.Leads _
                | Traced.Elsewhere _
                | Traced.Dead -> failtest $"token %d{i} was accepted"

    /// Every law.
    let all: Test =
        testList
            "Flow tokens (RFC 5626)"
            [
                leads
                readable
                dies
                anotherRun
                anotherNode
                rotation
                damage
                purposes
                alias
                million
            ]
