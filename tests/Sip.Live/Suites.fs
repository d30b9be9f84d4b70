// Suites: which versions and suites of TLS a listener takes, asked by OpenSSL's own client with all that it
// still knows (RFC 9325 sections 3.1.1 and 4.2).

module Sip.Live.Suites

open System
open System.Diagnostics
open System.Threading.Tasks
open Expecto
open Sip

let private openssl (arguments: string list) : Task<struct (int * string)> =
    task {
        let info =
            ProcessStartInfo(
                "openssl",
                arguments,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true
            )

        use running = nonNull (Process.Start info)
        running.StandardInput.Close()
        let failed = running.StandardError.ReadToEndAsync()
        let! said = running.StandardOutput.ReadToEndAsync()
        let! _ = failed
        do! running.WaitForExitAsync()
        return struct (running.ExitCode, said)
    }

let private isTaken (port: int) (more: string list) : Task<bool> =
    task {
        let place = String.Concat("127.0.0.1:", string port)
        let! struct (code, said) = openssl ([ "s_client"; "-connect"; place ] @ more)
        return code = 0 && said.Contains "BEGIN CERTIFICATE"
    }

/// With an ECDSA certificate, what keeps yesterday's calls secret should its key be known tomorrow.
let private taken =
    Set
        [
            "ECDHE-ECDSA-AES128-GCM-SHA256"
            "ECDHE-ECDSA-AES256-GCM-SHA384"
            "ECDHE-ECDSA-CHACHA20-POLY1305"
        ]

let versions (server: unit -> Served) =
    testCaseTask "TLS 1.2 and 1.3 are spoken with forward secrecy, nothing older and nothing weaker"
    <| fun () ->
        task {
            let port = (server ()).Port Transport.Tls

            for version, expected in
                [ "-tls1", false; "-tls1_1", false; "-tls1_2", true; "-tls1_3", true ] do
                let! is = isTaken port [ version; "-cipher"; "ALL:@SECLEVEL=0" ]
                Expect.equal is expected version

            let! struct (_, all) =
                openssl [ "ciphers"; "-tls1_2"; "ALL:COMPLEMENTOFALL:@SECLEVEL=0" ]

            let suites =
                all.Trim().Split(':') |> Array.filter (fun one -> not (one.StartsWith "TLS_"))

            Expect.isGreaterThan suites.Length 60 "there is much to choose from"

            for suite in suites do
                let! is = isTaken port [ "-tls1_2"; "-cipher"; suite + ":@SECLEVEL=0" ]
                Expect.equal is (Set.contains suite taken) suite
        }

let resumption (server: unit -> Served) =
    testCaseTask "a client that comes back with an old session is given a whole handshake"
    <| fun () ->
        task {
            let port = (server ()).Port Transport.Tls
            let file = IO.Path.GetTempFileName()

            for version in [ "-tls1_2"; "-tls1_3" ] do
                let! first = isTaken port [ version; "-sess_out"; file ]
                Expect.isTrue first version
                let place = String.Concat("127.0.0.1:", string port)

                // Without a ticket and without an id there is nothing that the client could write down.
                if IO.FileInfo(file).Length > 0L then
                    let! struct (code, said) =
                        openssl [ "s_client"; "-connect"; place; version; "-sess_in"; file ]

                    Expect.equal code 0 said
                    Expect.stringContains said "New, TLSv1" "nothing is resumed"

            IO.File.Delete file
        }
