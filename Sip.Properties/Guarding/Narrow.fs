// Narrow: bounds with room for few, and somebody at 192.0.2.99 who comes up against them.

module Sip.Properties.Guarding.Narrow

open Sip
open Sip.Guarding
open Sip.Properties

/// The usual bounds, but for this one, which lets two through.
let few bound = Bound.set bound 2 Bound.usual

/// A guard of these bounds.
let guardOf caps = Guard(Array.init 32 byte, caps, [])

/// 192.0.2.99 as a number.
let from = 0xC0000263u

/// Where they are.
let address = Address.ofV4 from

/// Their datagrams.
let udp = Visitors.Flow(from, 0L)

/// Their connection.
let connected = Visitors.Flow(from, 9L)
