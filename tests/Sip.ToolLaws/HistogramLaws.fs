// HistogramLaws: what a histogram of latencies says, beside the sorted list of all of them.

module Sip.ToolLaws.HistogramLaws

open Expecto
open FsCheck.FSharp
open Sip.Properties
open Sip.Tools.Load

/// Latencies from nothing to days, many of them equal.
let private latencies =
    gen {
        let! exponent = Gen.choose (0, 40)
        let! value = Gen.choose64 (0L, 1L <<< exponent)
        return value
    }
    |> Gen.nonEmptyListOf
    |> Arb.fromGen

let private shares = [ 0.0; 1.0; 50.0; 90.0; 99.0; 99.9; 100.0 ]

let private counted values =
    let histogram = Histogram()
    List.iter histogram.Add values
    histogram

/// The smallest value that at least this share of all do not exceed.
let private exact values share =
    let sorted = List.sort values
    let wanted = max 1.0 (ceil (float sorted.Length * share / 100.0))
    List.item (int wanted - 1) sorted

let private isClose values =
    let histogram = counted values

    shares
    |> List.forall (fun share ->
        let right = exact values share
        let said = histogram.Percentile share
        said >= right && said - right <= right / 128L)

let private growsToTheMaximum values =
    let histogram = counted values
    let said = List.map histogram.Percentile shares
    said = List.sort said && List.last said = List.max values

let private forgets values =
    let histogram = counted values
    histogram.Clear()

    histogram.Count = 0L
    && List.forall (fun share -> histogram.Percentile share = 0L) shares

let all =
    testList
        "Histograms"
        [
            Law.holds "a percentile is the exact one, or up to a 128th more" latencies isClose
            Law.holds "percentiles grow up to the maximum" latencies growsToTheMaximum
            Law.holds "what is cleared says nothing" latencies forgets
        ]
