// GruuLaws: what is true of public and temporary GRUUs, as registrations come and go (RFC 5627).

namespace Sip.Properties.Outbound

open Expecto
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Wire
open Sip.Registrar
open Sip.Routing
open Sip.Properties
open Sip.Properties.Registrar

/// The laws of Gruu and Epochs.
[<RequireQualifiedAccess>]
module GruuLaws =

    let private keys = Addresses.keys

    let private epoch: Epoch =
        {
            CallId = "one"
            First = 1u
            Since = Instant.FromMilliseconds 7L
        }

    let private someone =
        Arb.fromGen (
            gen {
                let! aor = Addresses.aor
                let! instance = Addresses.instance
                return aor, instance
            }
        )

    let private reread (uri: SipUri) =
        match UriView.ofText (Uri.printSip uri) with
        | ValueSome(Uri.Sip read) -> Gruu.read keys read
        | ValueSome _
        | ValueNone -> ValueNone

    let private publicRoundTrip =
        Law.holds "a public GRUU read from the wire names its user and its instance" someone
        <| fun (aor, instance) ->
            reread (Gruu.publicUri aor instance) = ValueSome(Gruu.Public(aor, instance))

    let private publicIsAor =
        Law.holds "a public GRUU is its address of record, letter for letter, and gr" someone
        <| fun (aor, instance) ->
            let gruu = Gruu.publicUri aor instance

            { gruu with Parameters = [] } = aor
            && Uri.sameSip gruu aor
            && Aor.ofSip gruu = Aor.ofSip aor

    let private two = Arb.fromGen (Gen.two someone.Generator)

    let private publicsDiffer =
        Law.holds "public GRUUs of two users or two instances are never equal" two
        <| fun ((aor, instance), (aor', instance')) ->
            let same = Uri.sameSip (Gruu.publicUri aor instance) (Gruu.publicUri aor' instance')

            same = (aor = aor' && instance = instance')

    let private temporaryRoundTrip =
        Law.holds "a temporary GRUU read from the wire names its user" someone
        <| fun (aor, instance) ->
            match reread (Gruu.temporaryUri keys aor instance epoch 1u) with
            | ValueSome(Gruu.Temporary(owner, _, _)) -> owner = aor
            | ValueSome(Gruu.Public _)
            | ValueSome Gruu.Unknown
            | ValueNone -> false

    let private fresh =
        Law.holds
            "every refresh gets a temporary GRUU that no other REGISTER got"
            (Arb.fromGen (
                Gen.map3
                    (fun one one' (cseq, cseq') -> one, one', cseq, cseq')
                    someone.Generator
                    someone.Generator
                    (Gen.two (Gen.choose (1, 9)))
            ))
        <| fun ((aor, instance), (aor', instance'), cseq, cseq') ->
            let user (aor: SipUri) instance cseq =
                (Gruu.temporaryUri keys aor instance epoch (uint32 cseq)).User

            let same = user aor instance cseq = user aor' instance' cseq'
            same = ((aor, instance, cseq) = (aor', instance', cseq'))

    let private unlinkable =
        Law.holds "temporary GRUUs show neither by their length nor by a letter whose they are" two
        <| fun ((aor, instance), (aor', instance')) ->
            let one = (Gruu.temporaryUri keys aor instance epoch 1u).User.Value
            let other = (Gruu.temporaryUri keys aor' instance' epoch 2u).User.Value

            let alike =
                Seq.zip one other
                |> Seq.skip 2
                |> Seq.filter (fun (a, b) -> a = b)
                |> Seq.length

            // By chance two of 64 letters are alike: 17 or more of 106 once in a million million.
            one.Length = other.Length && alike < 17

    let private forged =
        Law.holds
            "a temporary GRUU with any one letter changed is unknown"
            (Arb.fromGen (
                gen {
                    let! aor, instance = someone.Generator
                    let gruu = Gruu.temporaryUri keys aor instance epoch 1u
                    let! user = Messages.damagedToken gruu.User.Value
                    return { gruu with User = ValueSome user }
                }
            ))
        <| fun gruu -> Gruu.read keys gruu = ValueSome Gruu.Unknown

    let private other =
        Law.holds "a URI without gr is no GRUU" someone
        <| fun (aor, _) -> Gruu.read keys aor = ValueNone

    let private aor = Uri.ofUser "Bob" (Host.Name "example.test")

    /// A moment with the epochs before and after it.
    type private Told =
        {
            Moment: Moment
            Changes: Change list
            Epochs: Epochs
        }

    let private changes (moment: Moment) =
        match moment.Outcome with
        | Outcome.Registered(_, changes) -> changes
        | Outcome.Refused _ -> []

    let private tell (script: Script) : Told list =
        // An epoch knows itself by Call-ID, CSeq and time: no two moments are one millisecond.
        let next (epochs, told) (moment: Moment) =
            let changes = changes moment
            let now = moment.Now.After(int64 (List.length told) * 1L<ms>)
            let epochs = Epochs.follow now moment.Before changes epochs

            epochs,
            {
                Moment = moment
                Changes = changes
                Epochs = epochs
            }
            :: told

        Scripts.tell script |> List.fold next (Epochs.empty, []) |> snd |> List.rev

    let private instances = [ "urn:uuid:a"; "urn:uuid:b" ]
    let private has instance (b: Binding) = b.Instance = ValueSome instance

    let private minted (told: Told) (instance: string) =
        let newest =
            Bindings.toList (Scripts.after told.Moment) |> List.tryFindBack (has instance)

        match Epochs.tryFind instance told.Epochs, newest with
        | ValueSome epoch, Some newest ->
            Some(Gruu.temporaryUri keys aor instance epoch newest.CSeq)
        | ValueSome _, None
        | ValueNone, _ -> None

    // Looked at before any binding of the moment has run out.
    let private reaches (told: Told) (gruu: SipUri) =
        let now = Instant.FromMilliseconds 0L

        match Gruu.read keys gruu with
        | ValueSome gruu -> Gruu.resolve now (Scripts.after told.Moment) told.Epochs gruu
        | ValueNone -> failtest "not a GRUU"

    let private isThere (told: Told) instance =
        Bindings.toList (Scripts.after told.Moment) |> List.exists (has instance)

    let private known =
        Law.holds "an instance has an epoch for as long as it is bound, and no longer" Scripts.all
        <| fun script ->
            tell script
            |> List.forall (fun told ->
                instances
                |> List.forall (fun instance ->
                    (Epochs.tryFind instance told.Epochs).IsSome = isThere told instance))

    /// Every GRUU given out in a script, with the moments from then on.
    let private given (script: Script) =
        let rec walk told =
            match told with
            | [] -> []
            | first :: later ->
                [
                    for instance in instances do
                        match minted first instance with
                        | Some gruu -> instance, gruu, first :: later
                        | None -> ()
                ]
                @ walk later

        walk (tell script)

    let private absence =
        Law.holds
            "once its last contact is gone an instance's temporary GRUUs are gone for good"
            Scripts.all
        <| fun script ->
            given script
            |> List.forall (fun (instance, gruu, moments) ->
                moments
                |> List.skipWhile (fun told -> isThere told instance)
                |> List.forall (fun told -> reaches told gruu = Reach.Invalid))

    let private oneCallId (script: Script) =
        let rename event =
            match event with
            | Event.Register request ->
                Event.Register
                    { request with
                        Request.Origin.CallId = "one"
                    }
            | Event.Again
            | Event.Pass _
            | Event.Close _ -> event

        { script with
            Events = List.map rename script.Events
        }

    let private survives (told: Told) instance =
        let isLost (b: Binding) =
            told.Changes
            |> List.exists (fun change ->
                match change with
                | Change.Removed(gone, _) -> gone = b
                | Change.Refreshed(before, after) -> before = b && after.Instance <> b.Instance
                | Change.Added _ -> false)

        Bindings.toList told.Moment.Before
        |> List.exists (fun b -> has instance b && not (isLost b))

    let private continuity =
        Law.holds
            "under one Call-ID every temporary GRUU reaches its instance while that stays bound"
            Scripts.all
        <| fun script ->
            given (oneCallId script)
            |> List.forall (fun (instance, gruu, moments) ->
                List.head moments
                :: (List.tail moments |> List.takeWhile (fun told -> survives told instance))
                |> List.forall (fun told ->
                    match reaches told gruu with
                    | Reach.Instance { First = first; Spare = spare } ->
                        List.forall (has instance) (first :: spare)
                    | Reach.Nobody
                    | Reach.Invalid -> false))

    // A flow that comes back, or a contact without reg-id, under another Call-ID than it had.
    let private breaks instance (told: Told) =
        told.Changes
        |> List.exists (fun change ->
            match change with
            | Change.Refreshed(before, after) ->
                has instance before
                && has instance after
                && after.RegId.IsSome
                && before.RegId = after.RegId
                && before.CallId <> after.CallId
            | Change.Added _
            | Change.Removed _ -> false)

    let private otherCallId =
        Law.holds
            "a flow of the instance under another Call-ID ends its temporary GRUUs"
            Scripts.all
        <| fun script ->
            given script
            |> List.forall (fun (instance, gruu, moments) ->
                List.tail moments
                |> List.skipWhile (fun told -> not (breaks instance told))
                |> List.forall (fun told -> reaches told gruu = Reach.Invalid))

    let private publicStays =
        Law.holds "a public GRUU reaches only its instance, newest first, or nobody" Scripts.all
        <| fun script ->
            let now, bindings = Scripts.ending script

            instances
            |> List.forall (fun instance ->
                let expected =
                    Bindings.current now bindings |> List.filter (has instance) |> List.rev

                match
                    Gruu.resolve now bindings Epochs.empty (Gruu.Public(aor, instance)), expected
                with
                | Reach.Instance found, _ -> found.First :: found.Spare = expected
                | Reach.Nobody, expected -> expected.IsEmpty
                | Reach.Invalid, _ -> false)

    let private answered =
        Law.holds "the 200 gives each instance its public and its newest temporary GRUU" Scripts.all
        <| fun script ->
            match List.tryLast (tell script) with
            | None -> true
            | Some last ->
                let bindings = Scripts.after last.Moment

                Bindings.toList bindings
                |> List.forall (fun binding ->
                    let lying: Parameter =
                        {
                            Name = "pub-gruu"
                            Value = ValueSome "\"sip:eve@example.test;gr=1\""
                        }

                    let written = binding.Contact

                    let contact =
                        { written with
                            Parameters = lying :: written.Parameters
                        }
                        |> Gruu.answer keys aor bindings last.Epochs

                    let granted name =
                        Parameters.value name contact.Parameters
                        |> ValueOption.map (fun text ->
                            match UriView.ofText (text.Trim '"') with
                            | ValueSome(Uri.Sip uri) -> reaches last uri
                            | ValueSome _
                            | ValueNone -> Reach.Invalid)

                    let isOwn reach =
                        match reach with
                        | ValueSome(Reach.Instance found) ->
                            found.First.Instance = binding.Instance
                        | ValueSome(Reach.Nobody | Reach.Invalid)
                        | ValueNone -> false

                    match binding.Instance with
                    | ValueSome _ -> isOwn (granted "pub-gruu") && isOwn (granted "temp-gruu")
                    | ValueNone -> contact = written)

    let private contactsOf (instance: string) =
        [
            Uri.Sip aor, Leaving.ByAddress, Admitted.Loops
            Uri.Sip aor, Leaving.ByConnection, Admitted.Loops
            Uri.Sip(Gruu.publicUri aor instance), Leaving.ByAddress, Admitted.Loops
            Uri.Sip(Gruu.publicUri aor instance), Leaving.ByConnection, Admitted.Bind
            Uri.Sip(Gruu.temporaryUri keys aor instance epoch 1u), Leaving.ByAddress, Admitted.Loops
            Uri.Sip(Gruu.publicUri (Uri.ofUser "eve" aor.Host) instance),
            Leaving.ByAddress,
            Admitted.Bind
            Uri.Sip(Uri.ofUser "Bob" (Host.Name "x.invalid")), Leaving.ByConnection, Admitted.Bind
            Uri.Other("mailto", "bob@example.test"), Leaving.ByConnection, Admitted.NotSip
        ]

    let private circles =
        Law.holds
            "a contact that leads back to its own address is not bound, but down a connection a GRUU is"
            (Arb.fromGen Addresses.instance)
        <| fun instance ->
            contactsOf instance
            |> List.forall (fun (contact, leaving, admitted) ->
                Gruu.admit keys aor leaving contact = admitted)

    /// Every law.
    let all: Test =
        testList
            "GRUUs (RFC 5627)"
            [
                publicRoundTrip
                publicIsAor
                publicsDiffer
                temporaryRoundTrip
                fresh
                unlinkable
                forged
                other
                known
                absence
                continuity
                otherCallId
                publicStays
                answered
                circles
            ]
