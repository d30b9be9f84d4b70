// Bound: everything that grows at a stranger's wish, how much of it there may be, and what becomes of what is
// too much. One table: an operator's settings, the metrics and the laws all walk it.

namespace Sip.Guarding

open Sip

/// What is bounded.
[<RequireQualifiedAccess; Struct>]
type Bound =
    | Connections
    | ConnectionsPerAddress
    | HandshakesPerAddress
    | DatagramsPerAddress
    | MessagesPerConnection
    | RequestsPerUser
    | GuessesPerAddress
    | GuessesPerUser
    | FaultsPerAddress
    | PendingPerCaller
    | RequestsPerFlow
    | Requests
    | Answers
    | ContactsPerUser
    | Bans
    | Nonces

/// How it is counted.
[<RequireQualifiedAccess; Struct>]
type Counting =
    /// So many there are at a time.
    | Held
    /// So many come in this time, and so many times as many at once.
    | Passing of Period: int64<s> * AtOnce: int

/// One line of the table.
type Row =
    {
        Bound: Bound
        /// Its name in `--limit name=number`.
        Name: string
        Counting: Counting
        /// For strangers.
        Usual: int
        /// For this machine itself: whoever speaks to a loopback listener is a neighbour or a measurement.
        Local: int
        /// What becomes of what is too much.
        Refused: string
        /// The counter of what was refused.
        Metric: string
    }

/// The bounds that are in force: by the number of the bound.
type Caps = { Usual: int[]; Local: int[] }

/// The table of bounds.
[<RequireQualifiedAccess>]
module Bound =

    /// The bound's place in the table. HOT.
    let place (bound: Bound) : int =
        match bound with
        | Bound.Connections -> 0
        | Bound.ConnectionsPerAddress -> 1
        | Bound.HandshakesPerAddress -> 2
        | Bound.DatagramsPerAddress -> 3
        | Bound.MessagesPerConnection -> 4
        | Bound.RequestsPerUser -> 5
        | Bound.GuessesPerAddress -> 6
        | Bound.GuessesPerUser -> 7
        | Bound.FaultsPerAddress -> 8
        | Bound.PendingPerCaller -> 9
        | Bound.RequestsPerFlow -> 10
        | Bound.Requests -> 11
        | Bound.Answers -> 12
        | Bound.ContactsPerUser -> 13
        | Bound.Bans -> 14
        | Bound.Nonces -> 15

    let private held bound name (usual, local) refused metric =
        {
            Bound = bound
            Name = name
            Counting = Counting.Held
            Usual = usual
            Local = local
            Refused = refused
            Metric = metric
        }

    let private passing bound name (period, atOnce) (usual, local) refused metric =
        { held bound name (usual, local) refused metric with
            Counting = Counting.Passing(period, atOnce)
        }

    /// Every bound, in order of place. Where a shard counts, each has this much.
    let table: Row list =
        [
            held
                Bound.Connections
                "connections"
                (200_000, 200_000)
                "the connection is closed at once"
                "sip_refused_connections_total"
            held
                Bound.ConnectionsPerAddress
                "connections-per-address"
                (1_000, 1_000_000)
                "the connection is closed at once"
                "sip_refused_connections_per_address_total"
            passing
                Bound.HandshakesPerAddress
                "handshakes-per-address"
                (1L<s>, 10)
                (50, 100_000)
                "the connection is closed at once"
                "sip_refused_handshakes_per_address_total"
            passing
                Bound.DatagramsPerAddress
                "datagrams-per-address"
                (1L<s>, 2)
                (500, 1_000_000)
                "the datagram is dropped unread"
                "sip_refused_datagrams_per_address_total"
            passing
                Bound.MessagesPerConnection
                "messages-per-connection"
                (1L<s>, 5)
                (200, 1_000_000)
                "the connection is closed"
                "sip_refused_messages_per_connection_total"
            passing
                Bound.RequestsPerUser
                "requests-per-user"
                (1L<s>, 5)
                (50, 1_000_000)
                "503 with Retry-After"
                "sip_refused_requests_per_user_total"
            passing
                Bound.GuessesPerAddress
                "guesses-per-address"
                (3600L<s>, 1)
                (120, 1_000_000)
                "503 with Retry-After: the password is not looked at"
                "sip_refused_guesses_per_address_total"
            // 60 an hour in all: 30 at once, and one more every two minutes.
            passing
                Bound.GuessesPerUser
                "guesses-per-user"
                (3600L<s>, 1)
                (30, 1_000_000)
                "503 with Retry-After, but where the user has been before: the password is not looked at"
                "sip_refused_guesses_per_user_total"
            passing
                Bound.FaultsPerAddress
                "faults-per-address"
                (60L<s>, 1)
                (100, 1_000_000)
                "on connections: the address is banned"
                "sip_refused_faults_per_address_total"
            held
                Bound.PendingPerCaller
                "pending-per-caller"
                (64, 65_536)
                "503 with Retry-After"
                "sip_refused_pending_per_caller_total"
            held
                Bound.RequestsPerFlow
                "requests-per-flow"
                (8_192, 8_192)
                "what has ended gives way; 503 with Retry-After where nothing has"
                "sip_refused_requests_per_flow_total"
            held
                Bound.Requests
                "requests"
                (400_000, 400_000)
                "what has ended gives way; 503 with Retry-After where nothing has"
                "sip_refused_requests_total"
            held
                Bound.Answers
                "answers"
                (16_384, 16_384)
                "the oldest gives way: what is sent again is asked for a password again"
                "sip_evicted_answers_total"
            held
                Bound.ContactsPerUser
                "contacts-per-user"
                (10, 10)
                "403"
                "sip_refused_contacts_per_user_total"
            held
                Bound.Bans
                "bans"
                (65_536, 65_536)
                "the ban that ends first gives way"
                "sip_evicted_bans_total"
            held
                Bound.Nonces
                "nonces"
                (262_144, 262_144)
                "the one that was first used longest ago gives way, and nothing as old is accepted any more: 401 or 407 with stale"
                "sip_evicted_nonces_total"
        ]

    /// The line of a bound.
    let row (bound: Bound) : Row = List.item (place bound) table

    /// The bounds where an operator says nothing.
    let usual: Caps =
        {
            Usual = table |> List.map _.Usual |> List.toArray
            Local = table |> List.map _.Local |> List.toArray
        }

    /// The bounds with another number for this one, for everybody.
    let set (bound: Bound) (number: int) (caps: Caps) : Caps =
        let change (numbers: int[]) =
            Array.updateAt (place bound) number numbers

        {
            Usual = change caps.Usual
            Local = change caps.Local
        }

    /// The bounds as an operator writes `name=number`, or what is wrong with that.
    let read (text: string) (caps: Caps) : Result<Caps, string> =
        let wrong reason =
            Error(System.String.Concat("--limit ", text, ": ", reason))

        match text.Split '=' with
        | [| name; number |] ->
            match List.tryFind (fun row -> row.Name = name) table, System.Int32.TryParse number with
            | Some row, (true, number) when number >= 1 && number <= 1_000_000 ->
                Ok(set row.Bound number caps)
            | Some _, _ -> wrong "say a number from 1 to 1000000"
            | None, _ ->
                wrong (
                    "there is no such bound; say one of "
                    + System.String.Join(", ", table |> List.map _.Name)
                )
        | _ -> wrong "say name=number, for example connections-per-address=100"
