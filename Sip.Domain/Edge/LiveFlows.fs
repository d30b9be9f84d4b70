// LiveFlows: which connections live, and which of them ends where.

namespace Sip.Edge

open System.Collections.Generic
open Sip
open Sip.Routing

/// The connections that can carry messages now.
[<Sealed>]
type LiveFlows() =
    let live = HashSet<Flow>()
    let ends = Dictionary<FarEnd, Flow>()

    let farEnd (flow: Flow) : FarEnd =
        {
            Transport = flow.Transport
            Remote = flow.Remote
        }

    /// A connection lives from now on.
    member _.Add(flow: Flow) =
        live.Add flow |> ignore
        ends[farEnd flow] <- flow

    /// A connection is gone.
    member _.Remove(flow: Flow) =
        live.Remove flow |> ignore

        match ends.TryGetValue(farEnd flow) with
        | true, last when last = flow -> ends.Remove(farEnd flow) |> ignore
        | true, _
        | false, _ -> ()

    /// Whether a connection lives.
    member _.Contains(flow: Flow) : bool = live.Contains flow

    /// The live connection that ends there: the last one opened, should there be two.
    member _.Ending(there: FarEnd) : Flow voption =
        match ends.TryGetValue there with
        | true, flow -> ValueSome flow
        | false, _ -> ValueNone
