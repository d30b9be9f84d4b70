// Scene: who the server of a session is and who is connected to it: strangers and phones on every transport,
// a peer, and in some of them a registrar behind.

namespace Sip.Fuzz

open System
open Sip
open Sip.Wire
open Sip.Edge
open Sip.Registrar
open Sip.Routing
open Sip.Transactions
open Sip.Properties

/// One end of a connection to the server, or of the datagrams to it.
[<Sealed>]
type Line(transport: Transport, address: uint32, port: int, user: string) =
    let flowOf connection : Flow =
        {
            Listener =
                (Ground.realm.Listeners
                 |> Array.find (fun listener -> listener.Transport = transport))
                    .Id
            Transport = transport
            Connection = connection
            Remote =
                {
                    Address = Address.ofV4 address
                    Port = port
                }
        }

    let mutable flow = flowOf 0L

    member _.Transport = transport
    member _.User = user
    member val State = Stream.dialled with get, set
    /// What arrived and was not yet consumed.
    member val Buffer = Array.empty<byte> with get, set
    member val IsOpen = false with get, set

    /// The flow that its messages come by.
    member _.Flow = flow

    /// Another connection.
    member _.Renew(connection: int64) : unit = flow <- flowOf connection

/// Building scenes.
[<RequireQualifiedAccess>]
module Scene =

    /// How many kinds of server there are.
    let variants = 4

    let private homes =
        [
            {
                Scheme = Scheme.Sip
                User = ValueNone
                Password = ValueNone
                Host = Host.Address(Address.ofV4 0xC0000232u)
                Port = ValueSome 5060
                Parameters = []
                Headers = []
            }
        ]

    let private behind back : Realm =
        { Ground.realm with
            Home = ValueSome { Servers = homes; Back = back }
        }

    /// The server of a kind: open to all, guarded, an edge by Path, an edge by Contact.
    let realm (variant: int) : Realm =
        match variant with
        | 0 ->
            { Ground.realm with
                Admittance = Admittance.UnsafeOpen
            }
        | 1 -> Ground.realm
        | 2 -> behind (WayBack.ByPath PathWish.WhereSupported)
        | _ -> behind WayBack.ByContact

    /// Everybody who speaks to the server.
    let lines () : Line[] =
        [|
            Line(Transport.Udp, 0xC6336407u, 5060, "")
            Line(Transport.Udp, 0xC0000264u, 5060, "")
            Line(Transport.Udp, 0xC6336408u, 5062, "alice")
            Line(Transport.Udp, 0xC0000232u, 5060, "")
            Line(Transport.Tcp, 0xC6336409u, 40001, "alice")
            Line(Transport.Tls, 0xC633640Au, 40002, "bob")
            Line(Transport.Ws, 0xC633640Bu, 40003, "bob")
            Line(Transport.Wss, 0xC633640Cu, 40004, "carol")
            Line(Transport.Ws, 0xC633640Du, 40005, "")
            Line(Transport.Tcp, 0xC633640Eu, 40006, "")
        |]

    /// The binding of a phone on its line.
    let binding (line: Line) : Binding =
        let host = Host.Name "p7.invalid"

        {
            Contact = NameAddr.ofUri (Uri.Sip(Uri.ofUser line.User host))
            CallId = "r" + line.User
            CSeq = 1u
            Expires = Instant.FromMilliseconds 3_600_000L
            Quality = 1000
            Flow = line.Flow
            Path = []
            Instance = ValueNone
            RegId = ValueNone
        }

    /// What a name server says to a question.
    let answer (dice: Luck) (question: Question) : Answer =
        let address () =
            Address.ofV4 (uint32 (dice.Below Int32.MaxValue))

        match question, dice.Below 4 with
        | _, 0 -> Answer.NoSuchName
        | _, 1 -> Answer.Failed
        | Question.Naptr name, _ ->
            Answer.Naptr
                [
                    {
                        Order = dice.Below 3
                        Preference = dice.Below 3
                        Flags = dice.Of [| "s"; "S"; "u"; "" |]
                        Service = dice.Of [| "SIP+D2U"; "SIP+D2T"; "SIPS+D2T"; "x" |]
                        Replacement = "_sip._udp." + name
                    }
                ]
        | Question.Srv name, _ ->
            Answer.Srv
                [
                    for _ in 0 .. dice.Below 3 do
                        {
                            Priority = dice.Below 3
                            Weight = dice.Below 65536
                            Port = dice.Below 65536
                            Target = dice.Of [| "."; "a." + name; name; "" |]
                        }
                ]
        | Question.A _, _
        | Question.Aaaa _, _ -> Answer.Addresses [ for _ in 0 .. dice.Below 3 -> address () ]
