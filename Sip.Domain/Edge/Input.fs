// Input and Effect: all that crosses between the ledger and the shell. Nothing else does: no socket,
// no clock, no dice inwards, no headers outwards.

namespace Sip.Edge

open System
open Sip
open Sip.Wire
open Sip.Routing
open Sip.Identity
open Sip.Registrar

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
    /// A response that answers nothing of ours.
    | Stray of From: Flow * CallId: string

/// What happened outside.
[<RequireQualifiedAccess>]
type Input =
    /// A connection can carry messages from now on.
    | Opened of Flow: Flow
    /// One whole message arrived.
    | Arrived of Flow: Flow * Bytes: ReadOnlyMemory<byte>
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
    | Told of Question: Question * Answer: Answer * Life: int64<s>
    /// The deadline passed.
    | Tick

/// What to do outside, in order.
[<RequireQualifiedAccess>]
type Effect =
    | Send of To: Hop * Bytes: ReadOnlyMemory<byte>
    /// To be asked of the domain name system; whatever comes of it, `Told` follows within a second or so.
    | Ask of Question: Question
    | Note of Note: Note
