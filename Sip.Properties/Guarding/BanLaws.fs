// BanLaws: who is banned and for how long, who is not, and how a firewall hears of it.

module Sip.Properties.Guarding.BanLaws

open Expecto
open Sip
open Sip.Routing
open Sip.Guarding
open Sip.Properties
open Sip.Properties.Guarding.Narrow

let private banned =
    testCase
        "who guesses beyond the bound is banned for ten minutes, but not where a user has proven themselves"
    <| fun () ->
        let visitors = Visitors(few Bound.GuessesPerAddress, Admittance.Authenticated)
        let guard = visitors.Ledger.Guard
        let office = Visitors.Flow(0xC0000277u, 0L)

        visitors.Register(1000L, office, "bob", "secret of bob", "bob@192.0.2.1")
        |> ignore

        for i in 1..5 do
            visitors.Register(2000L, udp, "alice", "guess" + string i, "a@192.0.2.1")
            |> ignore

            visitors.Register(2000L, office, "alice", "guess" + string i, "a@192.0.2.1")
            |> ignore

        Expect.isTrue (guard.IsBanned(Ground.at 2001L, address)) "who guesses"
        Expect.isFalse (guard.Datagram(Ground.at 2001L, address)) "their datagrams"
        Expect.isFalse (guard.Connects(Ground.at 2001L, address)) "their connections"
        Expect.isFalse (guard.IsBanned(Ground.at 2001L, office.Remote.Address)) "the office"
        Expect.isFalse (guard.IsBanned(Ground.at 602_001L, address)) "ten minutes later"

let private forged =
    testCase
        "datagrams with a false source ban nobody: nonsense and scanners count on connections only"
    <| fun () ->
        let visitors = Visitors(few Bound.FaultsPerAddress, Admittance.Authenticated)
        let guard = visitors.Ledger.Guard
        let nonsense = "NONSENSE\r\n\r\n"
        let scanner = "User-Agent: friendly-scanner\r\n"

        for _ in 1..10 do
            visitors.Says(1L, udp, nonsense) |> ignore
            visitors.Ask(1L, udp, "OPTIONS", "a", "sip:100@example.test", scanner) |> ignore

        Expect.isFalse (guard.IsBanned(Ground.at 2L, address)) "by datagram"
        visitors.Opens(2L, connected)

        visitors.Ask(2L, connected, "OPTIONS", "a", "sip:100@example.test", scanner)
        |> ignore

        Expect.isTrue (guard.IsBanned(Ground.at 3L, address)) "a scanner on a connection"
        Expect.isTrue (guard.Pardon address) "the ban is lifted"

        for _ in 1..10 do
            visitors.Says(4L, connected, nonsense) |> ignore

        Expect.isTrue (guard.IsBanned(Ground.at 5L, address)) "nonsense on a connection"

let private rules =
    testCase
        "a ban is one line for nftables, of an IPv6 address its /64, with the seconds that it lasts"
    <| fun () ->
        let six = (Address.tryV6 "2001:db8:1:2:3:4:5:6").Value

        Expect.equal
            (Firewall.ban address 600L<s>)
            "add element inet sip_bans banned4 { 192.0.2.99 timeout 600s }\n"
            "IPv4"

        Expect.equal
            (Firewall.ban six 60L<s>)
            "add element inet sip_bans banned6 { 2001:db8:1:2::/64 timeout 60s }\n"
            "IPv6"

        Expect.stringEnds
            (Firewall.pardon address)
            "delete element inet sip_bans banned4 { 192.0.2.99 }\n"
            "lifted"

        Expect.stringContains Firewall.setup "ip saddr @banned4 drop" "what is done"

/// Every law.
let all: Test = testList "Bounds, bans and load" [ banned; forged; rules ]
