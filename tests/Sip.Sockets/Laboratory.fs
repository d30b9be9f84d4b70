// Laboratory: one server with a listener for each transport, shared by the tests that only talk to
// it. The ports are found anew each time.

namespace Sip.Sockets

open System
open System.Net
open System.Threading.Tasks

/// A server with the places of its listeners.
type Laboratory =
    {
        Server: Server
        Domain: string
        Ports: Map<string, int>
        Pages: int
    }

/// Building laboratories.
[<RequireQualifiedAccess>]
module Laboratory =

    let transports = [ "ws"; "wss"; "udp"; "tcp"; "tls" ]
    let password = "pass word: \"\\"

    /// Where a transport's listener is.
    let place (lab: Laboratory) (transport: string) : IPEndPoint =
        IPEndPoint(IPAddress.Loopback, lab.Ports[transport])

    /// A server with these listeners and options.
    let start (transports: string list) (domain: string) (more: string list) : Task<Laboratory> =
        task {
            let shared = Ports.take ()

            let ports =
                transports
                |> List.map (fun transport ->
                    match transport with
                    // One number for both, as phones expect.
                    | "udp"
                    | "tcp" -> transport, shared
                    | _ -> transport, Ports.take ())
                |> Map

            let pages = Ports.take ()

            let listen =
                [
                    for transport in transports do
                        "--listen"
                        $"{transport}:127.0.0.1:{ports[transport]}"
                ]

            let! server =
                Server.Start(
                    listen @ [ "--pages"; $"127.0.0.1:{pages}"; "--domain"; domain ] @ more
                )

            return
                {
                    Server = server
                    Domain = domain
                    Ports = ports
                    Pages = pages
                }
        }

    /// Users with the laboratory's password, as options.
    let users (names: string list) : string list =
        names |> List.collect (fun name -> [ "--user"; $"{name}:{password}" ])

    /// A phone of a user on a transport, registered.
    let phone (lab: Laboratory) (transport: string) (user: string) : Task<Phone> =
        Phone.signedIn transport (place lab transport) user password lab.Domain

    /// The OPTIONS by which a test sees that a line still answers.
    let stillAnswers (lab: Laboratory) (line: Line) : Task<unit> =
        task {
            let mark = Guid.NewGuid().ToString "N"

            do!
                line.Send(
                    Said.write
                        $"OPTIONS sip:{lab.Domain} SIP/2.0"
                        [
                            "Via",
                            $"SIP/2.0/{line.Transport.ToUpperInvariant()} a.invalid;branch=z9hG4bK{mark}"
                            "Max-Forwards", "70"
                            "From", $"<sip:probe@a.invalid>;tag={mark}"
                            "To", $"<sip:{lab.Domain}>"
                            "Call-ID", mark
                            "CSeq", "1 OPTIONS"
                        ]
                        [||]
                )

            let! bytes = line.Receive()
            let said = Said.read bytes

            if Said.status said <> 200 || Said.one "Call-ID" said <> mark then
                failwith $"an OPTIONS was answered {said.Start} {Said.text bytes}"
        }
