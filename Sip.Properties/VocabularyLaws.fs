// VocabularyLaws: what is true of the nouns before any byte is read.

module Sip.Properties.VocabularyLaws

open Expecto
open FsCheck.FSharp
open Sip

let private transports =
    Arb.fromGen (
        Gen.elements [ Transport.Udp; Transport.Tcp; Transport.Tls; Transport.Ws; Transport.Wss ]
    )

let private addresses =
    Gen.map2
        (fun high low -> { High = high; Low = low })
        (Gen.choose64 (System.Int64.MinValue, System.Int64.MaxValue) |> Gen.map uint64)
        (Gen.choose64 (System.Int64.MinValue, System.Int64.MaxValue) |> Gen.map uint64)

let private v4 =
    Gen.choose (0, System.Int32.MaxValue) |> Gen.map (uint32 >> Address.ofV4)

// Of characters that the words around a secret do not have.
let private secrets =
    Gen.elements (List.ofSeq "0123456789:/äя界")
    |> Gen.nonEmptyListOf
    |> Gen.map (List.toArray >> System.String)
    |> Arb.fromGen

let all =
    testList
        "Vocabulary"
        [
            Law.holds "ws on a sips URI is Wss, on a sip URI only a live flow can tell" transports
            <| fun transport ->
                let said scheme =
                    Transport.said scheme (ValueSome(Transport.inUri transport))

                if Transport.isWebSocket transport then
                    said Scheme.Sips = Said.Exactly Transport.Wss
                    && said Scheme.Sip = Said.WebSocket
                else
                    Transport.satisfies (said Scheme.Sip) transport

            Law.holds "the spelling never loses the transport" transports
            <| fun transport ->
                Transport.tryWord (Transport.inVia transport) = ValueSome transport
                && Transport.satisfies
                    (Transport.said Scheme.Sip (ValueSome(Transport.inUri transport)))
                    transport

            Law.holds "a printed address reads back" (Arb.fromGen (Gen.oneof [ v4; addresses ]))
            <| fun address ->
                Host.tryRead (Host.print (Host.Address address)) = ValueSome(Host.Address address)

            Law.holds
                "an address keeps its value through the library's form"
                (Arb.fromGen (Gen.oneof [ v4; addresses ]))
            <| fun address -> Address.ofIPAddress (Address.toIPAddress address) = address

            Law.holds "a secret never prints itself, and is no other text" secrets
            <| fun text ->
                let secret = Secret.Of text
                let shown = [ string secret; $"%A{secret}"; $"{secret}"; $"%A{[ secret ]}" ]

                shown |> List.forall (fun printed -> not (printed.Contains text))
                && secret.Is text
                && not (secret.Is(text + "x"))
                && not (secret.Is(text.Substring 1))
                && secret.Expose() = text
        ]
