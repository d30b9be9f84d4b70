// Station: a realm made ready for work: what we write about ourselves spelt in bytes, what we recognise
// as ourselves, the keys derived. Each shard has its own, made once at start. HOT.

namespace Sip.Routing

open System
open Sip
open Sip.Wire

/// A host and port by which others name us, -1 where any port will do.
[<Struct>]
type Face = { Text: byte[]; Host: Host; Port: int }

/// A realm made ready for work.
type Station =
    {
        Realm: Realm
        Sharding: Sharding
        /// Every host and port that is ours in a URI.
        Faces: Face[]
        /// Every host and port that we write into a Via.
        SentBys: Face[]
        /// For each listener the Via line that we put on, up to the branch's unique part.
        Vias: byte[][]
        /// For each listener the Record-Route lines that we put on.
        RecordLines: RecordLine[]
        /// How credentials for our realm name it.
        RealmParameter: byte[]
        BranchKey: PrfKey
        LoopKey: PrfKey
        TagKey: PrfKey
        TransactionKey: PrfKey
        ShardKey: PrfKey
        Flows: FlowTexts
        /// What is asked of peers that take part in overload control.
        Asked: Asked
    }

/// Making stations, and recognising ourselves.
[<RequireQualifiedAccess>]
module Station =

    let private keptFlows = 65536

    let private face (host: Host) (port: int) : Face =
        {
            Text = Text.toBytes (Host.print host)
            Host = host
            Port = port
        }

    // A domain is ours at any port.
    let private ofDomain = -1

    let private facesOf (realm: Realm) : Face[] =
        [|
            for listener in realm.Listeners do
                face listener.AdvertisedHost listener.AdvertisedPort
                face (Host.Address listener.Bound.Address) listener.Bound.Port

            for domain in realm.Domains do
                match Host.tryRead domain with
                | ValueSome host -> face host ofDomain
                | ValueNone -> ()
        |]
        |> Array.distinct

    let private via (listener: Listener) : byte[] =
        let ours =
            {
                Transport = Transport.inVia listener.Transport
                Host = listener.AdvertisedHost
                Port = ValueSome listener.AdvertisedPort
                Parameters =
                    [
                        {
                            Name = "branch"
                            Value = ValueSome ViaView.cookie
                        }
                    ]
            }

        Text.toBytes (String.Concat("Via: ", Via.print ours))

    /// A station of one shard for a realm.
    let ofShard (sharding: Sharding) (realm: Realm) : Station =
        let listeners = realm.Listeners

        {
            Realm = realm
            Sharding = sharding
            Faces = facesOf realm
            SentBys =
                listeners
                |> Array.map (fun listener -> face listener.AdvertisedHost listener.AdvertisedPort)
            Vias = Array.map via listeners
            RecordLines = Array.map RecordRoute.lineOf listeners
            RealmParameter = Text.toBytes (String.Concat("realm=\"", Realm.name realm, "\""))
            BranchKey = Seal.key realm.Secret "branch"
            LoopKey = Seal.key realm.Secret "loop"
            TagKey = Seal.key realm.Secret "tag"
            TransactionKey = Seal.key realm.Secret "transaction"
            ShardKey = Seal.key realm.Secret "shard"
            Flows = FlowTexts(realm, keptFlows)
            Asked = Asked()
        }

    /// The station of a realm's only shard.
    let ofRealm (realm: Realm) : Station = ofShard Sharding.alone realm

    // An address has several spellings; the one that we write ourselves is tried first.
    let private isHost (host: ReadOnlySpan<byte>) (address: Address voption) (face: Face) =
        Text.same host (ReadOnlySpan face.Text)
        || match address, face.Host with
           | ValueSome one, Host.Address other -> one.Low = other.Low && one.High = other.High
           | ValueSome _, Host.Name _
           | ValueNone, _ -> false

    /// Whether a URI names this server: one of its domains, or one of its addresses with its port.
    /// A port that is not written is any port of ours.
    let owns (station: Station) (all: ReadOnlySpan<byte>) (uri: UriView) : bool =
        let host = Slice.bytes all uri.Host
        let address = HostView.address host
        let faces = station.Faces
        let mutable found = false
        let mutable i = 0

        while not found && i < faces.Length do
            let port = faces[i].Port

            found <-
                (port = uri.Port || port = ofDomain || uri.Port < 0)
                && isHost host address faces[i]

            i <- i + 1

        found

    let private hasFace (station: Station) (host: ReadOnlySpan<byte>) (onlyDomains: bool) : bool =
        let address = HostView.address host
        let faces = station.Faces
        let mutable found = false
        let mutable i = 0

        while not found && i < faces.Length do
            found <- (not onlyDomains || faces[i].Port = ofDomain) && isHost host address faces[i]

            i <- i + 1

        found

    /// Whether a host is one of ours, whatever the port.
    let isOurs (station: Station) (host: ReadOnlySpan<byte>) : bool = hasFace station host false

    /// Whether a host is a domain that our users belong to.
    let isDomain (station: Station) (host: ReadOnlySpan<byte>) : bool = hasFace station host true

    let private gr = "gr"B

    /// Whether a URI has the form of a GRUU of ours; whether it is one only the registrar can tell. At the
    /// edge of another registrar they are that one's.
    let ownsGruu (station: Station) (all: ReadOnlySpan<byte>) (uri: UriView) : bool =
        station.Realm.Home.IsNone
        && uri.User.IsThere
        && UriView.has all uri gr
        && owns station all uri

    /// Whether a Via is one that we wrote ourselves, by its sent-by.
    let wrote (station: Station) (all: ReadOnlySpan<byte>) (via: ViaView) : bool =
        let host = Slice.bytes all via.Host
        let address = HostView.address host
        let mutable found = false
        let mutable i = 0

        while not found && i < station.SentBys.Length do
            let port =
                if via.Port >= 0 then
                    via.Port
                else
                    Transport.defaultPort station.Realm.Listeners[i].Transport

            found <- port = station.SentBys[i].Port && isHost host address station.SentBys[i]
            i <- i + 1

        found

    /// Whether a message to this hop goes to a peer.
    let standing (station: Station) (hop: Hop) : Standing =
        match hop with
        | Hop.Flow flow -> (station.Flows.Of flow).Standing
        | Hop.Dial there when station.Flows.Trusts there.Address -> Standing.Peer
        | Hop.Dial _ when Realm.leadsToPeer station.Realm hop -> Standing.Peer
        | Hop.Dial _ -> Standing.Client

    /// What the Via of whoever is behind a flow is told of overload; empty for all who take no part.
    let asks (station: Station) (source: FlowText) : byte[] =
        match source.Participation with
        | Participation.Participates -> station.Asked.Text
        | Participation.Abstains -> [||]

    /// The listener's place among the listeners.
    let placeOf (listener: Listener) : int =
        let (ListenerId index) = listener.Id in index
