using System.Text;
using Sip.Tools.Load.Wire;
using Sip.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>
/// Connections that a server must bear besides its users: some never say a word, some send one byte at a time, some ask and never
/// read. One that the server closes comes again, so that the burden stays.
/// </summary>
internal sealed class Burdens(Cast cast, Links links, Timers timers)
{
    private const int milliseconds = 50, opening = 512, questions = 48, filling = 7000, deafAtOnce = 5, pause = 12_000_000;
    private readonly List<Link> all = [];
    private readonly List<(Link Link, byte[] Bytes, int Sent)> slow = [];
    private readonly Dictionary<Link, long> asked = [];
    private int turn;
    private double owed;

    /// <summary>Responses to slow requests.</summary>
    public long Answered;

    /// <summary>How many of them are open.</summary>
    public int Open => all.Count(link => link.Stage == LinkStage.Open);

    /// <summary>How many were open at once, at most.</summary>
    public int Most { get; private set; }

    /// <summary>Microseconds for which the server bore a silent, a slow and an unreading one, at most.</summary>
    public long LongestSilent, LongestSlow, LongestUnreading;

    /// <summary>How many there are to be.</summary>
    public int Wanted => all.Count;

    /// <summary>Begins to open them.</summary>
    public void Begin()
    {
        var options = cast.Options;
        if (options.Caller.IsUdp || options.Silent + options.Slow + options.Unreading == 0) return;
        for (var i = 0; i < options.Silent + options.Slow + options.Unreading; i++)
        {
            var link = links.Add(options.Caller);
            (link.IsBurden, link.IsMute, link.IsDeaf) = (true, i < options.Silent, i >= options.Silent + options.Slow);
            all.Add(link);
            if (!link.IsMute && !link.IsDeaf) slow.Add((link, [], 0));
        }
        Dribble();
    }

    /// <summary>Those that are closed come again, the slow say their next byte, the deaf ask.</summary>
    public void Dribble()
    {
        var (open, deaf, now) = (0, 0, Time.Now);
        foreach (var link in all)
        {
            // All the deaf at once would ask for more than anybody can answer, and be refused in few bytes.
            if (link.Stage == LinkStage.Closed && links.Pending < opening && (!link.IsDeaf || deaf++ < deafAtOnce))
            {
                asked.Remove(link);
                links.Open(link, now);
            }
            if (link.Stage != LinkStage.Open) continue;
            open++;
            ref var longest = ref link.IsMute ? ref LongestSilent : ref link.IsDeaf ? ref LongestUnreading : ref LongestSlow;
            longest = Math.Max(longest, now - link.Begun);
            if (link.IsDeaf && link.Waiting is null && now - asked.GetValueOrDefault(link, now - pause) >= pause)
            {
                asked[link] = now;
                Ask(link);
            }
        }
        Most = Math.Max(Most, open);
        for (owed += (double)slow.Count * milliseconds / cast.Options.SlowPause; owed >= 1; owed--) Say(turn++ % slow.Count);
        timers.Set(0, 0, Due.Dribble, milliseconds);
    }

    private void Say(int place)
    {
        var (link, bytes, sent) = slow[place];
        if (link.Stage != LinkStage.Open) sent = bytes.Length;
        else
        {
            if (sent == bytes.Length) (bytes, sent) = (Request(link, place, ""), 0);
            links.Write(link, bytes.AsSpan(sent++, 1));
        }
        slow[place] = (link, bytes, sent);
    }

    // The answers are as long as the questions. Whoever is still there after longer than it should be borne was refused in few bytes, has
    // nothing that it does not read, and asks again.
    private void Ask(Link link)
    {
        for (var i = 0; i < questions; i++) links.Write(link, Request(link, link.Number, $";x={new string('x', filling)}"));
    }

    /// <summary>An OPTIONS to the server, whose answer is only counted.</summary>
    public byte[] Question(Link link, int number, string more = "")
    {
        var serial = cast.Random.Next();
        var name = Encoding.ASCII.GetString(link.Name);
        return Encoding.ASCII.GetBytes(
            $"OPTIONS sip:{cast.Options.Domain} SIP/2.0\r\nVia: SIP/2.0/{TransportModule.inVia(link.Transport)} {name};rport;branch=z9hG4bKs{serial:x8}{more}\r\n" +
            $"Max-Forwards: 70\r\nFrom: <sip:slow{number}@{cast.Options.Domain}>;tag=s{number}\r\nTo: <sip:{cast.Options.Domain}>\r\n" +
            $"Call-ID: s{serial:x8}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
    }

    private byte[] Request(Link link, int number, string more)
    {
        var message = Question(link, number, more);
        if (!link.IsWebSocket) return message;
        var frame = new byte[ClientFrames.headLength(message.Length) + message.Length];
        ClientFrames.write(Opcode.Text, (uint)cast.Random.Next(), message, frame);
        return frame;
    }
}
