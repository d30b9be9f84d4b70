using System.Text;
using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>All users, and what every message says of them: addresses, Via, Contact, identifiers that no other run has.</summary>
internal sealed class Cast
{
    private readonly byte[] domain;
    private readonly byte[] run;
    private readonly int first;

    /// <summary>So many users.</summary>
    public Cast(LoadOptions options, int users, uint run)
    {
        (Options, Run, first) = (options, run, options.FirstUser);
        Users = new User[users];
        domain = Encoding.ASCII.GetBytes(options.Domain);
        this.run = Encoding.ASCII.GetBytes($"{run:x8}");
        Random = new Random(options.Seed);
    }

    /// <summary>The options of the run.</summary>
    public readonly LoadOptions Options;

    /// <summary>What tells this run from others.</summary>
    public readonly uint Run;

    /// <summary>The users.</summary>
    public readonly User[] Users;

    /// <summary>The message that is being written.</summary>
    public readonly Outgoing Writer = new();

    /// <summary>A second one, for parts of it.</summary>
    public readonly Outgoing Part = new();

    /// <summary>The dice.</summary>
    public readonly Random Random;

    /// <summary>The name of a run, at the end of every identifier.</summary>
    public ReadOnlySpan<byte> RunText => run;

    /// <summary>The domain.</summary>
    public ReadOnlySpan<byte> Domain => domain;

    /// <summary>The number in a user's name.</summary>
    public int Number(int user) => first + user;

    /// <summary>Whether a user's transport loses messages.</summary>
    public bool IsLossy(int user) => Users[user].Link.Transport.IsUdp;

    /// <summary>Writes `sip:user@domain`.</summary>
    public Outgoing Aor(Outgoing o, int user) => o.Put("sip:"u8).User(Number(user)).Put("@"u8).Put(domain);

    /// <summary>Writes a Via up to the branch's magic cookie.</summary>
    public Outgoing Via(Outgoing o, int user)
    {
        var link = Users[user].Link;
        return o.Put("Via: SIP/2.0/"u8).Put(InVia(link.Transport)).Put(" "u8).Put(link.Name).Put(";rport;branch=z9hG4bK"u8);
    }

    /// <summary>Writes the Contact; its `load` parameter must come back in every request to it.</summary>
    public Outgoing Contact(Outgoing o, int user)
    {
        var link = Users[user].Link;
        o.Put("<sip:"u8).User(Number(user)).Put("@"u8).Put(link.Name);
        if (!link.Transport.IsUdp) o.Put(";transport="u8).Put(InUri(link.Transport));
        return o.Put(";load="u8).Hex(Token(user)).Put(">"u8);
    }

    /// <summary>Whether a Request-URI is the user's Contact.</summary>
    public bool IsContact(ReadOnlySpan<byte> uri, int user)
    {
        Part.Begin().Put("sip:"u8).User(Number(user)).Put("@"u8);
        if (!uri.StartsWith(Part.Written)) return false;
        Part.Begin().Put(";load="u8).Hex(Token(user));
        return uri.IndexOf(Part.Written) >= 0;
    }

    private uint Token(int user) => (uint)user * 2654435761u ^ Run;

    private static ReadOnlySpan<byte> InVia(Transport transport) => transport.Tag switch
    {
        Transport.Tags.Udp => "UDP"u8,
        Transport.Tags.Tcp => "TCP"u8,
        Transport.Tags.Tls => "TLS"u8,
        Transport.Tags.Ws => "WS"u8,
        _ => "WSS"u8,
    };

    private static ReadOnlySpan<byte> InUri(Transport transport) => transport.Tag switch
    {
        Transport.Tags.Tcp => "tcp"u8,
        Transport.Tags.Tls => "tls"u8,
        _ => "ws"u8,
    };
}
