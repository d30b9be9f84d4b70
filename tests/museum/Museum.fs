// Museum: everything in it, room by room.

module Sip.Museum.Museum

/// Every exhibit.
let all: Exhibit list =
    List.concat
        [
            Headers.names
            Headers.addresses
            Meanings.identity
            Meanings.dialogs
            Streams.streams
            Streams.datagrams
            WebSockets.all
        ]
