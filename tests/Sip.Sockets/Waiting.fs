// Waiting: no test sleeps. Each waits for one thing to happen, and gives up at a deadline that only
// a fault reaches.

module Sip.Sockets.Waiting

open System
open System.Threading
open System.Threading.Tasks

/// How long a fault may take to show: long enough for a busy machine.
let patience = TimeSpan.FromSeconds 20.

/// What the work brings, or a failure that says what was awaited.
let upTo (what: string) (work: Task<'a>) : Task<'a> =
    task {
        try
            return! work.WaitAsync patience
        with :? TimeoutException ->
            return failwith $"waited in vain for {what}"
    }

/// The same for a task that brings nothing.
let forEnd (what: string) (work: Task) : Task<unit> =
    task {
        try
            do! work.WaitAsync patience
        with :? TimeoutException ->
            failwith $"waited in vain for {what}"
    }

/// A token that is cancelled at the deadline.
let deadline () =
    (new CancellationTokenSource(patience)).Token
