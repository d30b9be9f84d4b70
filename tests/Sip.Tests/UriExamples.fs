// UriExamples: hosts and addresses as they stand in real messages.

module Sip.Tests.UriExamples

open Expecto
open Sip

let private host text = Host.tryRead text

let all =
    testList
        "Hosts"
        [
            test "a browser's made-up host is known by its ending" {
                let made = (host "df7jal23ls0d.INVALID").Value
                Expect.isTrue (Host.isInvalid made) "under .invalid"
                Expect.isFalse (Host.isInvalid (host "invalid.example").Value) "only the ending"
            }
            test "an IPv4 address is four decimal octets and nothing else" {
                Expect.equal
                    (host "192.0.2.1")
                    (ValueSome(Host.Address(Address.ofV4 0xC0000201u)))
                    "read"

                Expect.equal (host "192.0.2.256") ValueNone "an octet too large"
            }
            test "a mapped address is the IPv4 address" {
                Expect.equal (host "[::ffff:192.0.2.1]") (host "192.0.2.1") "one address"
            }
            test "three colons before an embedded address are let through (RFC 5118 section 4.10)" {
                Expect.equal
                    (host "[2001:db8:::192.0.2.1]")
                    (host "[2001:db8::192.0.2.1]")
                    "one address"
            }
        ]
