// CallerPreferences: what a caller wants done with its request, and which of a user's agents it wants to
// reach (RFC 3841): Request-Disposition, Accept-Contact and Reject-Contact against the capabilities that
// the agents registered (RFC 3840).

namespace Sip.Routing

open System
open Sip

/// Whether a server may proxy the request.
[<RequireQualifiedAccess; Struct>]
type Handling =
    | Proxy
    | Redirect

/// Whether it may go to more than one place.
[<RequireQualifiedAccess; Struct>]
type Forking =
    | Fork
    | NoFork

/// Whether several places are tried at once.
[<RequireQualifiedAccess; Struct>]
type Trying =
    | Parallel
    | Sequential

/// Whether the other branches are cancelled once one has succeeded.
[<RequireQualifiedAccess; Struct>]
type Cancelling =
    | Cancel
    | NoCancel

/// The directives that a proxy obeys; what nobody asked for is as it would be anyway.
type Disposition =
    {
        Handling: Handling
        Forking: Forking
        Trying: Trying
        Cancelling: Cancelling
    }

/// What follows if an agent's capabilities do not show that it fits.
[<RequireQualifiedAccess; Struct>]
type Strictness =
    /// It is asked later than those that fit better.
    | Prefer
    /// `explicit`: only what is shown counts.
    | Explicit
    /// `require`: it is not asked.
    | Require
    | ExplicitRequire

/// One value of Accept-Contact.
type Preference =
    {
        Terms: Term list
        Strictness: Strictness
    }

/// Everything that a caller prefers.
type Preferences =
    {
        Accept: Preference list
        Reject: Term list list
    }

/// Reading and applying caller preferences.
[<RequireQualifiedAccess>]
module CallerPreferences =

    /// What is done where nobody asks for anything.
    let usual: Disposition =
        {
            Handling = Handling.Proxy
            Forking = Forking.Fork
            Trying = Trying.Parallel
            Cancelling = Cancelling.Cancel
        }

    let private obey (disposition: Disposition) (directive: string) =
        match directive.Trim().ToLowerInvariant() with
        | "proxy" ->
            { disposition with
                Handling = Handling.Proxy
            }
        | "redirect" ->
            { disposition with
                Handling = Handling.Redirect
            }
        | "fork" ->
            { disposition with
                Forking = Forking.Fork
            }
        | "no-fork" ->
            { disposition with
                Forking = Forking.NoFork
            }
        | "parallel" ->
            { disposition with
                Trying = Trying.Parallel
            }
        | "sequential" ->
            { disposition with
                Trying = Trying.Sequential
            }
        | "cancel" ->
            { disposition with
                Cancelling = Cancelling.Cancel
            }
        | "no-cancel" ->
            { disposition with
                Cancelling = Cancelling.NoCancel
            }
        | _ -> disposition

    /// The disposition that these directives ask for, the last of a kind counting.
    let disposition (directives: string list) : Disposition =
        directives
        |> List.collect (fun value -> List.ofArray (value.Split ','))
        |> List.fold obey usual

    /// A value of Accept-Contact, its parameters read.
    let preference (parameters: Parameters) : Preference =
        {
            Terms = Features.terms parameters
            Strictness =
                match Parameters.has "explicit" parameters, Parameters.has "require" parameters with
                | true, true -> Strictness.ExplicitRequire
                | true, false -> Strictness.Explicit
                | false, true -> Strictness.Require
                | false, false -> Strictness.Prefer
        }

    let private find (tag: string) (capabilities: Term list) =
        List.tryFind (fun (term: Term) -> term.Tag = tag) capabilities

    // RFC 3841 §7.2.4: how many of the tags the agent shows, unless one of them is otherwise.
    let private score (preference: Preference) (capabilities: Term list) : float voption =
        let shown =
            preference.Terms
            |> List.choose (fun term ->
                find term.Tag capabilities |> Option.map (fun has -> Features.fits term has))

        if List.contains false shown then
            ValueNone
        elif preference.Terms.IsEmpty then
            ValueSome 1.0
        else
            ValueSome(float shown.Length / float preference.Terms.Length)

    let private judge (capabilities: Term list) (preference: Preference) : float voption =
        match score preference capabilities, preference.Strictness with
        | ValueNone, (Strictness.Prefer | Strictness.Explicit) -> ValueSome 0.0
        | ValueNone, (Strictness.Require | Strictness.ExplicitRequire) -> ValueNone
        | ValueSome part, (Strictness.Prefer | Strictness.Require) -> ValueSome part
        | ValueSome 1.0, (Strictness.Explicit | Strictness.ExplicitRequire) -> ValueSome 1.0
        | ValueSome _, Strictness.Explicit -> ValueSome 0.0
        | ValueSome _, Strictness.ExplicitRequire -> ValueNone

    // §7.2.3: rejected is who shows every tag of the predicate, and each as it says.
    let private isRejected (capabilities: Term list) (reject: Term list) =
        not reject.IsEmpty
        && reject
           |> List.forall (fun term ->
               match find term.Tag capabilities with
               | Some has -> Features.fits term has
               | None -> false)

    /// How well an agent with these capabilities suits the caller, from 0 to 1; none if it is not
    /// to be asked. One that registered no capabilities at all suits everybody (§7.2.2).
    let suits (preferences: Preferences) (capabilities: Term list) : float voption =
        if capabilities.IsEmpty then
            ValueSome 1.0
        elif List.exists (isRejected capabilities) preferences.Reject then
            ValueNone
        else
            match List.map (judge capabilities) preferences.Accept with
            | [] -> ValueSome 1.0
            | scores when List.exists ValueOption.isNone scores -> ValueNone
            | scores -> ValueSome(List.averageBy ValueOption.get scores)

    // Those that suit equally keep their order; the others come later, in groups of their own.
    let private split (rank: 'target -> float voption) (group: 'target list) : 'target list list =
        group
        |> List.choose (fun target ->
            rank target |> ValueOption.map (fun r -> r, target) |> ValueOption.toOption)
        |> List.groupBy fst
        |> List.sortBy (fun (r, _) -> -r)
        |> List.map (snd >> List.map snd)

    /// The groups of targets as the caller wants them: who does not suit is left out, who suits
    /// better stands before the others of its group, and the directives shape the groups.
    let apply
        (disposition: Disposition)
        (preferences: Preferences)
        (capabilities: 'target -> Term list)
        (groups: 'target list list)
        : 'target list list =
        let suited = groups |> List.collect (split (capabilities >> suits preferences))

        match disposition.Forking, disposition.Trying with
        | Forking.NoFork, _ -> List.concat suited |> List.truncate 1 |> List.map List.singleton
        | Forking.Fork, Trying.Sequential -> List.concat suited |> List.map List.singleton
        | Forking.Fork, Trying.Parallel -> suited
