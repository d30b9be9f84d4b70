using System.Net;
using System.Net.Sockets;
using Sip.Edge;
using Sip.Routing;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>The listening sockets of a shard: connections are accepted, datagrams are received.</summary>
internal sealed unsafe class Doors : IDisposable
{
    private const int acceptsOfATurn = 64;
    private const int batchesOfATurn = 4;
    private readonly Shard shard;
    private readonly ILogger log;
    private readonly IReadOnlyList<Opening> openings;
    private readonly int[] descriptors;
    private readonly Datagrams datagrams = new();
    private readonly IPAddress[] peers;
    // Given up for a moment when no descriptor is left, so that a client can at least be turned away.
    private int spare = Spare();
    private bool isShort;

    /// <summary>Opens every socket, or none.</summary>
    public Doors(Shard shard, IReadOnlyList<Opening> openings, bool shared, ILogger log)
    {
        this.shard = shard;
        this.log = log;
        this.openings = openings;
        peers = [.. RealmModule.peerAddresses(shard.Setup.Realm).Select(AddressModule.toIPAddress)];
        descriptors = new int[openings.Count];
        Array.Fill(descriptors, -1);
        try
        {
            for (var i = 0; i < openings.Count; i++) descriptors[i] = Sockets.Open(openings[i], shared);
        }
        catch (IOException)
        {
            Dispose();
            throw;
        }
        for (var i = 0; i < openings.Count; i++) shard.Readiness.Add(descriptors[i], Libc.In, i + 1);
    }

    /// <summary>Takes what waits at a socket; marks count from one.</summary>
    public void Answer(long mark)
    {
        var place = (int)mark - 1;
        if (descriptors[place] < 0) return;
        if (openings[place].IsDatagram) Receive(place);
        else Accept(place);
    }

    /// <summary>Queues a datagram at the socket of a listener.</summary>
    public void Send(ListenerId listener, Endpoint to, ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < openings.Count; i++)
        {
            if (!openings[i].IsDatagram || openings[i].Sip.Value.Index != listener.Index) continue;
            datagrams.Send(descriptors[i], to, bytes);
            return;
        }
    }

    /// <summary>Sends the queued datagrams.</summary>
    public void Flush() => datagrams.Flush();

    /// <summary>Has the system let through so many of 1024 datagrams that would begin something new.</summary>
    public void Sift(int sieve)
    {
        for (var i = 0; i < openings.Count; i++)
            if (openings[i].IsDatagram && descriptors[i] >= 0) Sifting.Set(descriptors[i], sieve, peers.Where(peer => IsOfFamily(openings[i], peer)));
    }

    /// <summary>Accepts no further connection.</summary>
    public void StopAccepting()
    {
        for (var i = 0; i < descriptors.Length; i++)
            if (!openings[i].IsDatagram) Close(i);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        for (var i = 0; i < descriptors.Length; i++) Close(i);
        if (spare >= 0) Libc.close(spare);
        spare = -1;
        datagrams.Dispose();
    }

    private static bool IsOfFamily(Opening opening, IPAddress peer) =>
        (peer.AddressFamily == AddressFamily.InterNetwork) == AddressModule.isV4(opening.Bound.Address);

    private static int Spare() => Libc.eventfd(0, Libc.CloseOnExec);

    private void Close(int place)
    {
        if (descriptors[place] >= 0) Libc.close(descriptors[place]);
        descriptors[place] = -1;
    }

    private void Receive(int place)
    {
        var listener = openings[place].Sip.Value;
        for (var batch = 0; batch < batchesOfATurn; batch++)
        {
            var count = datagrams.Receive(descriptors[place]);
            shard.Hear();
            if (count > 0) Measure(place, count);
            for (var i = 0; i < count; i++)
            {
                var source = datagrams.Source(i);
                if (shard.Conductor.Guard.Datagram(shard.Now, source.Address))
                    shard.Arrived(new Flow(listener, Transport.Udp, 0, source), datagrams.Bytes(i));
            }
            if (!Datagrams.IsWhole(count)) return;
        }
    }

    private void Measure(int place, int count)
    {
        var filled = Datagrams.IsWhole(count) ? Sockets.Filled(descriptors[place]) : 0;
        shard.Waited(datagrams.Waited(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()), filled);
    }

    private void Accept(int place)
    {
        var address = stackalloc byte[SocketAddress.Size];
        for (var i = 0; i < acceptsOfATurn; i++)
        {
            var length = SocketAddress.Size;
            var descriptor = Libc.accept4(descriptors[place], address, &length, Libc.NonBlock | Libc.CloseOnExec);
            if (descriptor >= Descriptors.Most)
            {
                Libc.close(descriptor);
                SayShort();
            }
            else if (descriptor >= 0)
            {
                isShort = false;
                Welcome(openings[place], descriptor, SocketAddress.Read(address));
            }
            else if (Libc.Errno is Libc.NoFilesInProcess or Libc.NoFilesInSystem)
            {
                if (!TurnsAway(place)) return;
            }
            else if (Libc.Errno == Libc.Again)
            {
                return;
            }
            // Anything else is the fate of one client.
        }
    }

    private void Welcome(Opening opening, int descriptor, Endpoint remote)
    {
        // Whoever a balancer connects for is counted once it has said so.
        var isBalancer = shard.Setup.IsBalancer(remote.Address);
        if (shard.Table.IsFull || !shard.Conductor.Load.Room.IsAmple || !(isBalancer || shard.Conductor.Guard.Connects(shard.Now, remote.Address)))
        {
            Libc.close(descriptor);
            return;
        }
        var (stage, state) =
            isBalancer ? (Stage.Announcing, Streams.Announcing(shard.Now))
            : opening.IsSecure ? (Stage.Securing, Streams.Securing(shard.Now))
            : (Stage.Open, Streams.Accepted(opening.Rules, shard.Now));
        var connection = new Connection(shard.Table.Next(), opening, state)
        {
            Descriptor = descriptor,
            IsSecure = opening.IsSecure,
            Stage = stage,
            Remote = remote,
            Counted = isBalancer ? null : remote.Address,
            Watched = Libc.In,
        };
        shard.Table.Add(connection);
        shard.Readiness.Add(descriptor, Libc.In, connection.Number);
        shard.Wheel.Set(connection, connection.State.Wake);
    }

    private void SayShort()
    {
        if (!isShort) log.Advice("no descriptor is left for another connection: raise the limit (ulimit -n)");
        isShort = true;
    }

    // Where not even the spare one is left whoever waits at the door is seen again and again: not without a rest.
    private bool TurnsAway(int place)
    {
        SayShort();
        if (spare >= 0) Libc.close(spare);
        var turned = Libc.accept4(descriptors[place], null, null, Libc.CloseOnExec);
        if (turned >= 0) Libc.close(turned);
        spare = Spare();
        if (turned < 0) Readiness.Rest(1000);
        return turned >= 0;
    }
}
