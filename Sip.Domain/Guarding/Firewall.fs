// Firewall: bans as nftables understands them, so that the system drops what a banned address sends before anybody
// looks at it. Nothing but addresses and numbers of our own is ever written there.

namespace Sip.Guarding

open System
open Sip

/// Writing rules for `nft -f -`.
[<RequireQualifiedAccess>]
module Firewall =

    let private set (origin: Address) =
        if Address.isV4 origin then "banned4" else "banned6"

    // The ban of an IPv6 address is that of its /64.
    let private element (origin: Address) =
        if Address.isV4 origin then
            Address.print origin
        else
            String.Concat(Address.print (Origin.ofAddress origin), "/64")

    /// The table, empty: what was there of an earlier run is forgotten.
    let setup: string =
        String.Join(
            "\n",
            [
                "add table inet sip_bans"
                "delete table inet sip_bans"
                "table inet sip_bans {"
                "  set banned4 { type ipv4_addr; flags timeout; }"
                "  set banned6 { type ipv6_addr; flags interval, timeout; }"
                "  chain input {"
                "    type filter hook input priority -10; policy accept;"
                "    ip saddr @banned4 drop"
                "    ip6 saddr @banned6 drop"
                "  }"
                "}"
                ""
            ]
        )

    /// Bans for so many seconds.
    let ban (origin: Address) (seconds: int64<s>) : string =
        String.Concat(
            String.Concat("add element inet sip_bans ", set origin, " { ", element origin),
            String.Concat(" timeout ", string (max 1L (int64 seconds)), "s }\n")
        )

    /// Lifts a ban. Adding first makes it no fault that there is none.
    let pardon (origin: Address) : string =
        let one = String.Concat("element inet sip_bans ", set origin, " { ", element origin)

        String.Concat("add ", one, " timeout 1s }\n")
        + String.Concat("delete ", one, " }\n")
