// Input and Effect: all that crosses between the ledger and the shell. Nothing else does: no socket,
// no clock, no dice inwards, no headers outwards.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity
open Sip.Registrar
open Sip.Guarding

/// What an operator may want to know, as data.
[<RequireQualifiedAccess>]
type Note =
    /// Bytes that are no message.
    | Broken of From: Flow * Words: string
    | Refused of From: Flow * CallId: string * Status: int * Words: string
    | Registered of Aor: string * From: Flow * Contacts: int
    | Unregistered of Aor: string
    /// A server behind us does not answer, or does so again.
    | Silent of Server: Destination
    | Answering of Server: Destination
    /// A user has set more going than their meters allow, and is stopped.
    | Stopped of From: Flow * User: string
    /// A response that answers nothing of ours.
    | Stray of From: Flow * CallId: string
    /// Nothing from there is looked at for a while.
    | Banned of Ban: Ban

/// What a connection does about a user from now on.
[<RequireQualifiedAccess; Struct>]
type Speech =
    | Begins
    | Ends

/// What one shard tells all others, each of which hears it in the order of telling.
[<RequireQualifiedAccess>]
type Told =
    | Opened of Flow: Flow
    | Closed of Flow: Flow
    /// All that is bound to a user since then, and the changes that have led to it.
    | Bound of Aor: string * Bindings: Bindings * Changes: Change list * Since: Instant
    /// A user has proven themselves on this flow, which counts until then.
    | Proven of Flow: Flow * User: string * Until: Instant
    /// A connection is this user's until that second of Unix time.
    | Visited of Flow: Flow * User: string * Until: int64<s>
    /// A connection speaks for this user, or does no more.
    | Speaks of Flow: Flow * User: Asserted * Speech: Speech
    /// Whoever is at this address is a peer from now on.
    | Trusted of Address: Address
    /// Nobody listens to whoever is there until then.
    | Banned of Ban: Ban
    /// The call of this name, to whoever has this tag, was ended by one of these.
    | HungUp of Call: Mark * Callee: uint64 * By: Standing

/// What happened outside.
[<RequireQualifiedAccess>]
type Input =
    /// A connection can carry messages from now on.
    | Opened of Flow: Flow
    /// The token of the handshake says that a connection, which has just been opened, is this user's until that second
    /// of Unix time.
    | Visited of Flow: Flow * User: string * Until: int64<s>
    /// One whole message arrived.
    | Arrived of Flow: Flow * Bytes: ReadOnlyMemory<byte>
    /// A message arrived at another shard, which handed it over to this one.
    | Handed of Flow: Flow * Bytes: ReadOnlyMemory<byte>
    /// Another shard has told.
    | Told of Told: Told
    /// The head of a message whose end nobody can find (`Broken`) or shall wait for (`TooLarge`).
    | Unframed of Flow: Flow * Event: StreamEvent * Bytes: ReadOnlyMemory<byte>
    | Closed of Flow: Flow
    /// The connection that was called for this hop is gone, or did not come about.
    | Severed of Hop: Hop
    /// A user may sign in from now on, or again with another password.
    | Enrolled of Subscriber: Subscriber
    /// A binding that outlived the last process.
    | Restored of Aor: string * Binding: Binding
    /// What the domain name system says to a question that was asked, and for how long that counts.
    | Answered of Question: Question * Answer: Answer * Life: int64<s>
    /// The deadline passed.
    | Tick

/// What to do outside, in order.
[<RequireQualifiedAccess>]
type Effect =
    | Send of To: Hop * Bytes: ReadOnlyMemory<byte>
    /// Hands a message over to the shard that works on it.
    | Hand of Shard: int * Flow: Flow * Bytes: ReadOnlyMemory<byte>
    /// Tells every other shard, before anything that is sent leaves.
    | Tell of Told: Told
    /// To be asked of the domain name system; whatever comes of it, `Answered` follows within a second or so.
    | Ask of Question: Question
    | Note of Note: Note
