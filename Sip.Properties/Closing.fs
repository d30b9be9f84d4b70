// Closing: runs a suite and ends with the one line that scripts read.

namespace Sip.Properties

open Expecto
open Expecto.Impl

/// Running a whole suite.
[<RequireQualifiedAccess>]
module Closing =

    /// Runs the tests, prints `N passed, N failed` as the last line, and returns the exit code.
    let run (arguments: string[]) (suite: Test) : int =
        let mutable passed = 0
        let mutable failed = 0

        let count (summary: TestRunSummary) =
            passed <- passed + List.length summary.passed

            failed <-
                failed
                + List.length summary.failed
                + List.length summary.errored
                + List.length summary.ignored

        let code =
            runTestsWithCLIArgs
                [ Colours 0; Append_Summary_Handler(SummaryHandler count) ]
                arguments
                suite

        stdout.WriteLine()
        stdout.WriteLine(string passed + " passed, " + string failed + " failed")
        if code = 0 && failed = 0 && passed > 0 then 0 else 1
