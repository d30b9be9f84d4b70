using System.Text;
using Sip.Tools.Load.Wire;
using Sip.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>Connections that a server must bear besides its users: some never say a word, some send one byte at a time.</summary>
internal sealed class Burdens(Cast cast, Links links, Timers timers)
{
    private const int milliseconds = 50;
    private readonly List<(Link Link, byte[] Bytes, int Sent)> slow = [];
    private readonly List<Link> all = [];

    /// <summary>Responses to slow requests.</summary>
    public long Answered;

    /// <summary>How many of them are open.</summary>
    public int Open => all.Count(link => link.Stage == LinkStage.Open);

    /// <summary>Begins to open them.</summary>
    public void Begin()
    {
        if (cast.Options.Caller.IsUdp) return;
        for (var i = 0; i < cast.Options.Silent + cast.Options.Slow; i++)
        {
            var link = links.Add(cast.Options.Caller);
            (link.IsBurden, link.IsMute) = (true, i < cast.Options.Silent);
            all.Add(link);
            links.Open(link, Time.Now);
            if (!link.IsMute) slow.Add((link, [], 0));
        }
        if (slow.Count > 0) timers.Set(0, 0, Due.Dribble, milliseconds);
    }

    /// <summary>The next byte on each slow connection.</summary>
    public void Dribble()
    {
        for (var i = 0; i < slow.Count; i++)
        {
            var (link, bytes, sent) = slow[i];
            if (link.Stage != LinkStage.Open) continue;
            if (sent == bytes.Length) (bytes, sent) = (Request(link, i), 0);
            links.Write(link, bytes.AsSpan(sent, 1));
            slow[i] = (link, bytes, sent + 1);
        }
        timers.Set(0, 0, Due.Dribble, milliseconds);
    }

    private byte[] Request(Link link, int number)
    {
        var serial = cast.Random.Next();
        var name = Encoding.ASCII.GetString(link.Name);
        var message = Encoding.ASCII.GetBytes(
            $"OPTIONS sip:{cast.Options.Domain} SIP/2.0\r\nVia: SIP/2.0/{TransportModule.inVia(link.Transport)} {name};rport;branch=z9hG4bKs{serial:x8}\r\n" +
            $"Max-Forwards: 70\r\nFrom: <sip:slow{number}@{cast.Options.Domain}>;tag=s{number}\r\nTo: <sip:{cast.Options.Domain}>\r\n" +
            $"Call-ID: s{serial:x8}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
        if (!link.IsWebSocket) return message;
        var frame = new byte[ClientFrames.headLength(message.Length) + message.Length];
        ClientFrames.write(Opcode.Text, (uint)serial, message, frame);
        return frame;
    }
}
