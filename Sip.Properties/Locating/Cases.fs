// Cases: a URI to resolve, in a zone, by a server that can do so much, with its luck.

namespace Sip.Properties.Locating

open System
open FsCheck
open FsCheck.FSharp
open Sip
open Sip.Routing

/// One case.
type Case =
    {
        Means: Means
        Dice: Dice
        Zone: Zone
        Uri: SipUri
    }

/// Cases, and what they come to.
[<RequireQualifiedAccess>]
module Cases =

    /// Any case.
    let one: Gen<Case> =
        gen {
            let! means = Zones.means
            let! seed = Gen.choose (0, Int32.MaxValue)
            let! zone = Zones.zone
            let! uri = Zones.uri

            return
                {
                    Means = means
                    Dice = Dice(uint64 seed)
                    Zone = zone
                    Uri = uri
                }
        }

    /// Every case.
    let all: Arbitrary<Case> = Arb.fromGen one

    /// What it comes to, and what was asked.
    let told (case: Case) =
        Zones.resolve case.Means case.Dice case.Zone case.Uri

    /// Where it leads.
    let found (case: Case) : Destination list =
        match (told case).Resolved with
        | Resolved.To destinations -> destinations
        | Resolved.Ask _
        | Resolved.Nowhere _ -> []

    /// What bob@example.test comes to, for a server with IPv4 and these transports.
    let plain (transports: Dialled list) (zone: Zone) : Zones.Told =
        let means =
            {
                Transports = transports
                Families = Families.V4
                Barred = []
            }

        Zones.resolve means (Dice 1UL) zone (Uri.ofUser "bob" (Host.Name "example.test"))
