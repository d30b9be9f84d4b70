// Script: what happens in one simulated world: who has which devices, how each of them answers, what
// the network does to datagrams, and who does what when. Made by a generator from one seed.

namespace Sip.Properties.World

open FsCheck
open FsCheck.FSharp

/// How a device is connected.
[<RequireQualifiedAccess>]
type Link =
    | Udp
    | Tcp
    | Ws
    | Wss

/// What a device does when it is called; times are milliseconds.
[<RequireQualifiedAccess>]
type Manner =
    | Answer of Ring: int * After: int
    | Reject of Status: int * After: int
    | RingForever
    /// It is not there, but its registration still is.
    | Silent

/// A device of a user.
type Device =
    {
        User: int
        Link: Link
        Manner: Manner
    }

/// How a call ends that was answered.
[<RequireQualifiedAccess>]
type Farewell =
    | ByCaller
    | ByCallee

/// What somebody does.
[<RequireQualifiedAccess>]
type Deed =
    /// A call to a user; it is given up after `GiveUp`, and ended `Talk` after the answer.
    | Call of
        From: int *
        To: int *
        GiveUp: int option *
        Talk: int *
        Farewell: Farewell *
        ReInvite: bool
    | Text of From: int * To: int
    | Probe of From: int * To: int
    /// The connection of a device breaks; it comes back soon.
    | Cut of Device: int
    /// Somebody without a password tries everything at a user.
    | Intrude of Victim: int
    /// A user who has signed in tries to be another.
    | Pose of Device: int * Victim: int

/// One world.
type Script =
    {
        Seed: int
        /// Ledgers that share the work.
        Shards: int
        /// Datagrams of a hundred that are lost, and that come twice.
        Loss: int
        Twice: int
        /// How much later than others a datagram may come.
        Jitter: int
        Devices: Device list
        /// Each with its time.
        Deeds: (int * Deed) list
    }

/// Making scripts.
[<RequireQualifiedAccess>]
module Script =

    /// The users of every world; the last never registers.
    let users = [ "alice"; "bob"; "carol"; "dave" ]

    let private link = Gen.elements [ Link.Udp; Link.Udp; Link.Tcp; Link.Ws; Link.Wss ]
    let private delay = Gen.elements [ 0; 40; 300; 1500; 6000 ]

    let private manner =
        Gen.frequency
            [
                6, Gen.map2 (fun ring after -> Manner.Answer(ring, after)) delay delay
                2,
                Gen.map2
                    (fun status after -> Manner.Reject(status, after))
                    (Gen.elements [ 486; 404; 503; 603; 401; 408 ])
                    delay
                2, Gen.constant Manner.RingForever
                1, Gen.constant Manner.Silent
            ]

    let private devices =
        gen {
            let! several = Gen.elements [ [ 1; 1; 1 ]; [ 1; 2; 1 ]; [ 1; 3; 1 ]; [ 2; 3; 0 ] ]
            let users = several |> List.mapi (fun user count -> List.replicate count user)
            let all = List.concat users
            let! links = Gen.listOfLength all.Length link
            let! manners = Gen.listOfLength all.Length manner

            return
                List.zip3 all links manners
                |> List.map (fun (user, link, manner) ->
                    {
                        User = user
                        Link = link
                        Manner = manner
                    })
        }

    let private call devices =
        gen {
            let! from = Gen.choose (0, devices - 1)
            let! target = Gen.frequency [ 3, Gen.constant 1; 3, Gen.choose (0, 3) ]

            let! giveUp =
                Gen.frequency
                    [
                        3, Gen.constant None
                        3, Gen.map Some (Gen.elements [ 10; 200; 700; 3000; 9000 ])
                    ]

            let! talk = Gen.elements [ 0; 500; 5000; 40000 ]
            let! farewell = Gen.elements [ Farewell.ByCaller; Farewell.ByCallee ]
            let! reInvite = Gen.elements [ true; false ]
            return Deed.Call(from, target, giveUp, talk, farewell, reInvite)
        }

    let private deed devices =
        Gen.frequency
            [
                8, call devices
                3,
                Gen.map2
                    (fun a b -> Deed.Text(a, b))
                    (Gen.choose (0, devices - 1))
                    (Gen.choose (0, 3))
                1,
                Gen.map2
                    (fun a b -> Deed.Probe(a, b))
                    (Gen.choose (0, devices - 1))
                    (Gen.choose (0, 3))
                2, Gen.map Deed.Cut (Gen.choose (0, devices - 1))
                2, Gen.map Deed.Intrude (Gen.choose (0, 2))
                1,
                Gen.map2
                    (fun a b -> Deed.Pose(a, b))
                    (Gen.choose (0, devices - 1))
                    (Gen.choose (0, 2))
            ]

    // A connection that breaks just when it is called, the only one of its user, would be rare if left
    // to chance.
    let private desertions (devices: Device list) (deeds: (int * Deed) list) =
        deeds
        |> List.collect (fun (at, deed) ->
            match deed with
            | Deed.Call(_, target, _, _, _, _) ->
                let theirs =
                    List.indexed devices |> List.filter (fun (_, device) -> device.User = target)

                match theirs with
                | [ index, device ] when device.Link <> Link.Udp -> [ at + 300, Deed.Cut index ]
                | _ -> []
            | Deed.Text _
            | Deed.Probe _
            | Deed.Cut _
            | Deed.Intrude _
            | Deed.Pose _ -> [])
        |> List.truncate 2

    /// Any world.
    let any: Gen<Script> =
        gen {
            let! seed = Gen.choose (0, System.Int32.MaxValue - 1)
            let! shards = Gen.elements [ 1; 1; 2; 3 ]
            let! loss = Gen.elements [ 0; 10; 30 ]
            let! twice = Gen.elements [ 0; 10; 30 ]
            let! jitter = Gen.elements [ 0; 30; 800 ]
            let! devices = devices
            let! count = Gen.choose (1, 6)

            let! deeds =
                Gen.listOfLength
                    count
                    (Gen.zip
                        (Gen.map (fun at -> at * 100) (Gen.choose (0, 300)))
                        (deed devices.Length))

            let! deserts = Gen.elements [ true; true; true; false ]

            return
                {
                    Seed = seed
                    Shards = shards
                    Loss = loss
                    Twice = twice
                    Jitter = jitter
                    Devices = devices
                    Deeds = if deserts then deeds @ desertions devices deeds else deeds
                }
        }

    /// The same without anything whose outcome hangs on a millisecond: no loss, no cuts, nobody who gives
    /// up or hangs up at once, and no two devices that answer together.
    let calm (script: Script) : Script =
        // Whatever two delays add up to, the devices of one user (three at most) are 33 ms apart so.
        let apart (index: int) (manner: Manner) =
            match manner with
            | Manner.Answer(ring, after) -> Manner.Answer(ring + 7, after + 430 * index)
            | Manner.Reject(status, after) -> Manner.Reject(status, after + 430 * index)
            | Manner.RingForever
            | Manner.Silent -> manner

        let settled (deed: Deed) =
            match deed with
            | Deed.Call(from, target, _, talk, farewell, reInvite) ->
                Some(Deed.Call(from, target, None, max 500 talk, farewell, reInvite))
            | Deed.Text _
            | Deed.Probe _ -> Some deed
            | Deed.Cut _
            | Deed.Intrude _
            | Deed.Pose _ -> None

        { script with
            Loss = 0
            Twice = 0
            Jitter = 0
            Devices =
                script.Devices
                |> List.mapi (fun index device ->
                    { device with
                        Manner = apart index device.Manner
                    })
            Deeds =
                script.Deeds
                |> List.mapi (fun index (at, deed) ->
                    settled deed |> Option.map (fun deed -> at + 53 * index, deed))
                |> List.choose id
        }

    /// Simpler worlds, to try when a law fails.
    let simpler (script: Script) : Script seq =
        seq {
            for i in 0 .. script.Deeds.Length - 1 do
                yield
                    { script with
                        Deeds = List.removeAt i script.Deeds
                    }

            if script.Shards > 1 then
                yield
                    { script with
                        Shards = script.Shards - 1
                    }

            if script.Loss > 0 then
                yield { script with Loss = 0 }

            if script.Twice > 0 then
                yield { script with Twice = 0 }

            if script.Jitter > 0 then
                yield { script with Jitter = 0 }

            for i in 0 .. script.Devices.Length - 1 do
                let device = script.Devices[i]

                if device.Manner <> Manner.Answer(0, 40) then
                    yield
                        { script with
                            Devices =
                                List.updateAt
                                    i
                                    { device with
                                        Manner = Manner.Answer(0, 40)
                                    }
                                    script.Devices
                        }

                if device.Link <> Link.Ws then
                    yield
                        { script with
                            Devices = List.updateAt i { device with Link = Link.Ws } script.Devices
                        }
        }
