// Census: what is counted, by name, so that the counts of several shards can be added and told to whoever watches
// (Prometheus text format 0.0.4). No name and no word of a user's ever stands in it.

namespace Sip.Guarding

open System
open System.Collections.Generic
open System.Text

/// A figure that no shard counts.
type Gauge =
    {
        Name: string
        Help: string
        /// What of the operator's it is about, empty for the server itself.
        About: string
        Value: float
    }

/// Counting.
[<RequireQualifiedAccess>]
module Census =

    /// What one shard has counted, always of the same length.
    let ofShard (guard: Guard) (load: Load) (withheld: int64) : int64[] =
        [|
            yield! guard.Refused
            guard.Dropped
            load.Worked
            load.Refused
            load.Dropped
            withheld
        |]

    let private names =
        [
            for row in Bound.table do
                row.Metric, "refused: " + row.Refused
            "sip_dropped_banned_total", "dropped, because the sender is banned"
            "sip_worked_total", "messages worked on"
            "sip_shed_refused_total", "requests refused under load"
            "sip_shed_dropped_total", "requests dropped under load"
            "sip_withheld_total", "requests kept from peers that asked for fewer"
        ]

    /// The counts of all shards together, and what is held now, as text.
    let text (shards: IReadOnlyList<int64[]>) (held: IReadOnlyDictionary<string, int>) : string =
        let out = StringBuilder()

        let line (name: string) (kind: string) (help: string) (value: int64) =
            out.Append("# HELP ").Append(name).Append(' ').Append(help).Append('\n')
            |> ignore

            out.Append("# TYPE ").Append(name).Append(' ').Append(kind).Append('\n')
            |> ignore

            out.Append(name).Append(' ').Append(value).Append('\n') |> ignore

        names
        |> List.iteri (fun i (name, help) ->
            line name "counter" help (shards |> Seq.sumBy (fun counts -> counts[i])))

        for entry in held do
            line (String.Concat("sip_", entry.Key)) "gauge" "held now" (int64 entry.Value)

        out.ToString()

    let private label (about: string) =
        if about = "" then
            ""
        else
            let written = about.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n")

            String.Concat("{name=\"", written, "\"}")

    /// Figures as text, those of one name together.
    let gauges (all: IReadOnlyList<Gauge>) : string =
        let out = StringBuilder()

        for name, those in all |> Seq.toList |> List.groupBy _.Name do
            out.Append("# HELP ").Append(name).Append(' ').Append(those.Head.Help).Append('\n')
            |> ignore

            out.Append("# TYPE ").Append(name).Append(" gauge\n") |> ignore

            for one in those do
                let value = one.Value.ToString Globalization.CultureInfo.InvariantCulture

                out.Append(name).Append(label one.About).Append(' ').Append(value).Append('\n')
                |> ignore

        out.ToString()
