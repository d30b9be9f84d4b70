using System.Text;
using Sip.Server.Reactor;
using Sip.Wire;

namespace Sip.Tools.Load.Wire;

/// <summary>A message came on a link.</summary>
internal delegate void Arrival(Link link, ref Incoming message);

/// <summary>All links of the generator: opening, watching, closing; one thread, one epoll set, as in the server's reactor.</summary>
internal sealed unsafe class Links : IDisposable
{
    private readonly Targets targets;
    private readonly TlsContext? tls;
    private readonly Readiness readiness = new();
    private readonly Receiving receiving;
    private readonly Sending sending;
    private readonly List<Link> all = [];
    private readonly Random random;
    private readonly uint run;

    /// <summary>No links yet.</summary>
    public Links(Targets targets, TlsContext? tls, Random random, uint run, Arrival arrived)
    {
        (this.targets, this.tls, this.random, this.run) = (targets, tls, random, run);
        sending = new Sending(this, random);
        receiving = new Receiving(this, arrived);
    }

    /// <summary>What went over them.</summary>
    public readonly Traffic Traffic = new();

    /// <summary>How long opening one took, from when it was to begin.</summary>
    public readonly Histogram Opening = new();

    /// <summary>How many are being opened.</summary>
    public int Pending { get; private set; }

    /// <summary>Told when a link is open.</summary>
    public Action<Link>? Opened;

    /// <summary>Every link, by its number.</summary>
    public IReadOnlyList<Link> All => all;

    /// <summary>Another link, not open yet.</summary>
    public Link Add(Transport transport)
    {
        var link = new Link(all.Count, transport);
        all.Add(link);
        return link;
    }

    /// <summary>Begins to open a link that was to be opened at this time.</summary>
    public void Open(Link link, long intended)
    {
        link.Begun = intended;
        var remote = targets.Endpoint(link.Transport);
        try
        {
            if (link.Transport.IsUdp)
            {
                link.Descriptor = Sockets.OpenDatagrams(remote.Address);
                link.Datagrams = new Datagrams();
                link.Stage = LinkStage.Open;
                Name(link);
                Watch(link, Libc.In);
                Opened?.Invoke(link);
                return;
            }
            link.Descriptor = link.IsBurden ? Origins.Dial(link.Number, remote, link.IsDeaf) : Sockets.Dial(remote);
            link.Stage = LinkStage.Connecting;
            Pending++;
            Watch(link, Libc.Out);
        }
        catch (IOException reason)
        {
            Traffic.OpeningFailed(reason.Message);
        }
    }

    /// <summary>Sends a message.</summary>
    public void Send(Link link, ReadOnlySpan<byte> message)
    {
        if (link.Stage != LinkStage.Open) return;
        Traffic.Sent++;
        if (link.Datagrams is { } datagrams)
        {
            datagrams.Send(link.Descriptor, targets.Endpoint(link.Transport), message);
            sending.Touch(link);
        }
        else if (link.IsWebSocket)
        {
            sending.Frame(link, Opcode.Text, message);
        }
        else
        {
            sending.Write(link, message);
        }
    }

    /// <summary>Sends a control frame.</summary>
    public void Control(Link link, Opcode opcode, ReadOnlySpan<byte> payload) => sending.Frame(link, opcode, payload);

    /// <summary>Sends bytes as they are.</summary>
    public void Write(Link link, ReadOnlySpan<byte> bytes) => sending.Write(link, bytes);

    /// <summary>Sends a keep-alive (RFC 5626 section 4.4.1, RFC 7118 section 6).</summary>
    public void KeepAlive(Link link)
    {
        if (link.Stage != LinkStage.Open || link.Transport.IsUdp) return;
        if (link.IsWebSocket) sending.Frame(link, Opcode.Text, "\r\n\r\n"u8);
        else sending.Write(link, "\r\n\r\n"u8);
    }

    /// <summary>Sends what was written.</summary>
    public void Flush() => sending.Flush();

    /// <summary>Sends what was written, waits up to so many microseconds and reads what came.</summary>
    public void Turn(long microseconds)
    {
        sending.Flush();
        var count = readiness.WaitFinely(Math.Max(0, microseconds));
        for (var i = 0; i < count; i++)
        {
            var link = all[(int)readiness.Mark(i)];
            if (link.Stage == LinkStage.Closed) continue;
            var events = readiness.Events(i);
            if (link.Stage < LinkStage.Asking) Advance(link);
            else if ((events & (Libc.In | Libc.Error | Libc.HangUp)) != 0) receiving.Read(link);
            if ((events & Libc.Out) != 0 && link.Stage >= LinkStage.Asking) sending.Touch(link);
        }
        sending.Flush();
    }

    /// <summary>Watches a link for this.</summary>
    public void Watch(Link link, uint events)
    {
        if (link.IsDeaf && link.Stage == LinkStage.Open) events = (events & ~Libc.In) | Libc.Error;
        if (link.Watched == events) return;
        if (link.Watched == 0) readiness.Add(link.Descriptor, events, link.Number);
        else readiness.Change(link.Descriptor, events, link.Number);
        link.Watched = events;
    }

    /// <summary>The link's WebSocket is open.</summary>
    public void Begin(Link link)
    {
        (link.Stage, link.Ask) = (LinkStage.Open, null);
        Pending--;
        if (!link.IsBurden)
        {
            Traffic.Opened++;
            Opening.Add(Time.Now - link.Begun);
        }
        Opened?.Invoke(link);
    }

    /// <summary>The server closed a link, or broke the rules on it.</summary>
    public void Fail(Link link, string reason)
    {
        if (link.Stage == LinkStage.Closed) return;
        if (link.Stage != LinkStage.Open) Pending--;
        if (link.IsBurden) Traffic.BurdensClosed++;
        else if (link.Stage == LinkStage.Open) Traffic.Disconnected(reason);
        else Traffic.OpeningFailed(reason);
        Close(link);
    }

    /// <summary>Closes a link; abruptly, its peer gets a reset.</summary>
    public void Close(Link link, bool abruptly = false)
    {
        if (link.Stage == LinkStage.Closed) return;
        sending.Drop(link);
        if (link.Session != 0)
        {
            if (!abruptly) TlsSession.Shut(link.Session);
            Libssl.SSL_free(link.Session);
        }
        if (abruptly) Sockets.Abandon(link.Descriptor);
        Libc.close(link.Descriptor);
        link.Datagrams?.Dispose();
        link.Kept.Clear();
        (link.Stage, link.Descriptor, link.Session, link.Watched, link.Scanned, link.Datagrams) = (LinkStage.Closed, -1, 0, 0, 0, null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var link in all) Close(link);
        readiness.Dispose();
    }

    private void Advance(Link link)
    {
        if (link.Stage == LinkStage.Connecting)
        {
            if (Sockets.Fate(link.Descriptor) is var error and not 0)
            {
                Fail(link, Libc.Words(error));
                return;
            }
            Name(link);
            if (!link.IsSecure || link.IsMute)
            {
                Secured(link);
                return;
            }
            link.Stage = LinkStage.Securing;
            link.Session = tls!.Dial(link.Descriptor, targets.Host);
        }
        switch (TlsSession.Shake(link.Session))
        {
            case Moved.Some: Secured(link); break;
            case Moved.WantsRead: Watch(link, Libc.In); break;
            case Moved.WantsWrite: Watch(link, Libc.Out); break;
            case Moved.End or Moved.Broken: Fail(link, TlsSession.Words(link.Session)); break;
            default: throw new InvalidOperationException("Unknown outcome");
        }
    }

    private void Name(Link link) => link.Name = Encoding.ASCII.GetBytes(
        link.IsWebSocket ? $"w{(uint)link.Number ^ run:x8}.invalid" : EndpointModule.print(Sockets.Near(link.Descriptor)));

    private void Secured(Link link)
    {
        Watch(link, Libc.In);
        if (!link.IsWebSocket || link.IsMute)
        {
            Begin(link);
            return;
        }
        Span<byte> key = stackalloc byte[16];
        random.NextBytes(key);
        link.Ask = targets.Ask(link.Transport, Convert.ToBase64String(key));
        link.Stage = LinkStage.Asking;
        sending.Write(link, ClientHandshake.request(link.Ask));
        // A TLS session may hold the server's next bytes already.
        receiving.Read(link);
    }
}
