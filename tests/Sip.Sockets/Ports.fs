// Ports: loopback ports that nobody uses, each handed out once.

module Sip.Sockets.Ports

open System
open System.Net
open System.Net.Sockets

// Below the range from which the system itself hands out ports.
let private first = 20000
let private last = 31999
let private gate = obj ()
let mutable private next = first + Random.Shared.Next(last - first)

let private isFree (kind: SocketType) (protocol: ProtocolType) (port: int) =
    use socket = new Socket(AddressFamily.InterNetwork, kind, protocol)

    try
        socket.Bind(IPEndPoint(IPAddress.Loopback, port))
        true
    with :? SocketException ->
        false

/// A port on which neither TCP nor UDP listens.
let take () : int =
    let rec search tries =
        if tries = 0 then
            failwith "no free port was found"

        next <- (if next = last then first else next + 1)

        if
            isFree SocketType.Dgram ProtocolType.Udp next
            && isFree SocketType.Stream ProtocolType.Tcp next
        then
            next
        else
            search (tries - 1)

    lock gate (fun () -> search 1000)
