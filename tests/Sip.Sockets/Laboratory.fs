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

    /// Free ports for these transports.
    let private portsFor (transports: string list) : Map<string, int> =
        let shared = Ports.take ()

        transports
        |> List.map (fun transport ->
            match transport with
            // One number for both, as phones expect.
            | "udp"
            | "tcp" -> transport, shared
            | _ -> transport, Ports.take ())
        |> Map

    /// The options of a server with a listener for each of these transports.
    let options (shell: string) (ports: Map<string, int>) (pages: int) (domain: string) =
        [
            for KeyValue(transport, port) in ports do
                "--listen"
                $"{transport}:127.0.0.1:{port}"
            "--pages"
            $"127.0.0.1:{pages}"
            "--domain"
            domain
            "--shell"
            shell
        ]

    /// A server on the places of an earlier one, or on those of `ports`.
    let startOn shell ports pages domain (more: string list) : Task<Laboratory> =
        task {
            let! server = Server.Start(options shell ports pages domain @ more)

            return
                {
                    Server = server
                    Domain = domain
                    Ports = ports
                    Pages = pages
                }
        }

    /// A server with these listeners and options.
    let start (shell: string) (transports: string list) domain more : Task<Laboratory> =
        startOn shell (portsFor transports) (Ports.take ()) domain more

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
