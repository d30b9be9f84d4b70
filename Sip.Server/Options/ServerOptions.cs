namespace Sip.Server.Options;

/// <summary>Everything that an operator may set: `appsettings.json` section `Sip`, environment `Sip__...`, command line.</summary>
public sealed class ServerOptions
{
    /// <summary>Listeners: `transport:address:port`, with `=host[:port]` behind for another advertised name.</summary>
    public List<string> Listen { get; set; } = [];

    /// <summary>The public name or address of listeners beyond loopback.</summary>
    public string Advertise { get; set; } = "";

    /// <summary>The address and port of the pages, the API and health.</summary>
    public string Pages { get; set; } = "127.0.0.1:8000";

    /// <summary>The address and port of the admin surface, on loopback; `none` for no such thing.</summary>
    public string Admin { get; set; } = "none";

    /// <summary>The token that the admin surface asks for; with none, one is made, and kept in the data folder.</summary>
    public string AdminToken { get; set; } = "";

    /// <summary>The domains whose users are ours; the first is the realm of challenges.</summary>
    public List<string> Domain { get; set; } = [];

    /// <summary>Users to enroll at start: `name:password`.</summary>
    public List<string> User { get; set; } = [];

    /// <summary>Trunks and neighbouring servers: `transport:host:port`.</summary>
    public List<string> Peer { get; set; } = [];

    /// <summary>The registrar that this server is the edge of: URIs, hosts or `transport:host:port`, tried in this order.</summary>
    public List<string> Upstream { get; set; } = [];

    /// <summary>What that registrar makes of Path: `supported`, `demanded` or `none`.</summary>
    public string UpstreamPath { get; set; } = "supported";

    /// <summary>Addresses and ranges that are never called, whatever a name resolves to.</summary>
    public List<string> Barred { get; set; } = [];

    /// <summary>Who drops what is banned besides the server: `nft` (the system, by nftables; needs the privilege) or `none`.</summary>
    public string Firewall { get; set; } = "none";

    /// <summary>Bounds other than the usual: `name=number`; the names stand in the operator's page.</summary>
    public List<string> Limit { get; set; } = [];

    /// <summary>Addresses and ranges of balancers that say for whom they connect (PROXY protocol, X-Forwarded-For, Forwarded).</summary>
    public List<string> Balancer { get; set; } = [];

    /// <summary>Web pages that may connect by WebSocket, beside those of the same host; `*` for any.</summary>
    public List<string> Origin { get; set; } = [];

    /// <summary>Host names that a WebSocket handshake may ask for; none means any.</summary>
    public List<string> HostName { get; set; } = [];

    /// <summary>Paths at which there is a WebSocket; none means any.</summary>
    public List<string> Path { get; set; } = [];

    /// <summary>ICE servers: STUN URLs for the phone page and all, TURN URLs, which want a login, for `/api/credentials` alone.</summary>
    public List<string> Ice { get; set; } = [];

    /// <summary>Listeners for trunks, `tls:address:port`: only peers that show their certificate may connect.</summary>
    public List<string> Trunk { get; set; } = [];

    /// <summary>The secret that is shared with the TURN servers among them (coturn's static-auth-secret); with it `/api/credentials` gives logins to them.</summary>
    public string TurnSecret { get; set; } = "";

    /// <summary>The key by which a web application asks `/api/credentials` for the login of any user.</summary>
    public string ApiKey { get; set; } = "";

    /// <summary>Who issues the tokens by which users ask `/api/credentials` for a login of their own: their iss.</summary>
    public string JwtIssuer { get; set; } = "";

    /// <summary>What those tokens name as their aud.</summary>
    public string JwtAudience { get; set; } = "";

    /// <summary>The issuer's public keys: a folder of PEM files, or one, each named after its kid.</summary>
    public string JwtKeys { get; set; } = "";

    /// <summary>Those tokens are taken in SIP where anybody can overhear them, too: by UDP, TCP and WS without TLS.</summary>
    public bool UnsafeBearer { get; set; }

    /// <summary>Where such a token stands in a WebSocket handshake, which then has to have one: `protocol` (`bearer.TOKEN` beside `sip`) or `cookie=NAME`.</summary>
    public List<string> HandshakeToken { get; set; } = [];

    /// <summary>Certificates for TLS and WSS, PEM files, shown by the name that is asked for; with none, one is made for development.</summary>
    public List<string> Certificate { get; set; } = [];

    /// <summary>The certificates' private keys, PEM files in the same order.</summary>
    public List<string> Key { get; set; } = [];

    /// <summary>A folder of certificates and keys: `NAME.pem` or `NAME.crt` with `NAME.key`, or folders of `fullchain.pem` with `privkey.pem`.</summary>
    public string CertificateFolder { get; set; } = "";

    /// <summary>Authorities that the certificates of TLS peers may come from, a PEM file; with none, the system's.</summary>
    public string Trust { get; set; } = "";

    /// <summary>The folder for users and secrets that outlive the process; with none, nothing does.</summary>
    public string Data { get; set; } = "";

    /// <summary>Nobody has to sign in and everybody is relayed anywhere: for a laboratory only.</summary>
    public bool UnsafeNoAuth { get; set; }

    /// <summary>Whose calls and messages reach users: `known` for those of users and peers, `anybody` for those of strangers on connections, too.</summary>
    public string Inbound { get; set; } = "known";

    /// <summary>Calls and messages a user may begin towards users: `minute,hour,day,destinations,row`; past any they are stopped for an hour.</summary>
    public string UserStarts { get; set; } = "300,6000,50000,500,600";

    /// <summary>The same towards peers, who may charge for them.</summary>
    public string PeerStarts { get; set; } = "20,120,500,60,40";

    /// <summary>Calls that a user may have at a time towards users, and minutes of talk a day: `calls,minutes`.</summary>
    public string UserCalls { get; set; } = "100,6000";

    /// <summary>The same towards peers.</summary>
    public string PeerCalls { get; set; } = "10,600";

    /// <summary>The digest algorithms that are offered: names with commas of `md5`, `sha-256` and `sha-512-256`; `all` for the two that phones know.</summary>
    public string Digest { get; set; } = "all";

    /// <summary>Refuse (439) a client that wants its connection kept where the first hop keeps none, instead of binding its address.</summary>
    public bool StrictOutbound { get; set; }

    /// <summary>Refuse (420) a registration with a Path that its client does not say it knows.</summary>
    public bool StrictPath { get; set; }

    /// <summary>Bytes that a SIP message may have.</summary>
    public int MessageBytes { get; set; } = 65536;

    /// <summary>Bytes that may wait to be sent on one connection; a peer that reads slower is disconnected.</summary>
    public int QueueBytes { get; set; } = 1048576;

    /// <summary>Megabytes of memory that the server may use, of which the last fifth is for what is under way; 0 for what the system grants.</summary>
    public int MemoryLimit { get; set; }

    /// <summary>What moves the bytes: `reactor` (Linux with OpenSSL 3), `portable` (any system), or the faster one that there is.</summary>
    public string Shell { get; set; } = "auto";

    /// <summary>Threads that share the work of the reactor, each with its sockets and connections; `auto` for one a core.</summary>
    public string Shards { get; set; } = "1";

    /// <summary>Seconds that a stopping server waits for requests under way.</summary>
    public int StopSeconds { get; set; } = 5;
}
