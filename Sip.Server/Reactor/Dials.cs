using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Sip.Edge;
using Sip.Routing;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>The connections that this shard opened, by where they lead, and datagrams to hosts that have a name.</summary>
internal sealed class Dials(Shard shard, Setup setup, TlsContext? client, int bound, ILogger log)
{
    private const long patience = 10_000;
    private readonly Dictionary<(Dialled, Host, int), Connection> open = [];

    /// <summary>Sends a message there, over the connection that there is or a new one.</summary>
    public void Send(Hop.Dial hop, ReadOnlyMemory<byte> message)
    {
        if (hop.Transport.IsUdp)
        {
            SendDatagram(hop, message);
        }
        else if (open.TryGetValue((hop.Transport, hop.Host, hop.Port), out var connection))
        {
            Give(connection, message);
        }
        else
        {
            Give(connection = Begin(hop), message);
        }
    }

    /// <summary>The socket says that it is connected, or that it never will be.</summary>
    public void Connected(Connection connection)
    {
        if (Sockets.Fate(connection.Descriptor) is var error and not 0)
        {
            Fail(connection, Libc.Words(error));
        }
        else if (connection.IsSecure)
        {
            connection.Stage = Stage.Securing;
            connection.Session = client!.Dial(connection.Descriptor, connection.Errand!.Hop.Host);
            shard.Shake(connection);
        }
        else
        {
            Open(connection);
        }
    }

    /// <summary>The connection can carry messages: what waited for it leaves.</summary>
    public void Open(Connection connection)
    {
        var errand = connection.Errand!;
        connection.Stage = Stage.Open;
        connection.Limit = Instant.Never;
        shard.Wheel.Set(connection, connection.State.Wake);
        shard.Opened(connection, errand.Leaves, connection.IsSecure ? Transport.Tls : Transport.Tcp);
        foreach (var message in errand.Messages) shard.Outgoing.Send(connection, message);
        errand.Messages.Clear();
        shard.Outgoing.Touch(connection);
    }

    /// <summary>Gives a connection up; the end of the turn ends it.</summary>
    public void Fail(Connection connection, string reason)
    {
        log.Unreachable(HostModule.print(connection.Errand!.Hop.Host), reason);
        (connection.IsBroken, connection.Reason) = (true, reason);
        shard.Outgoing.Touch(connection);
    }

    /// <summary>The connection ends: the next message takes another, and who waits for an answer waits in vain.</summary>
    public void Forget(Connection connection)
    {
        var errand = connection.Errand!;
        open.Remove((errand.Hop.Transport, errand.Hop.Host, errand.Hop.Port));
        errand.Messages.Clear();
        shard.Conductor.Severed(shard.Now, errand.Hop, shard);
    }

    private void Give(Connection connection, ReadOnlyMemory<byte> message)
    {
        var errand = connection.Errand!;
        if (connection.Stage == Stage.Open)
        {
            shard.Outgoing.Send(connection, message.Span);
            return;
        }
        errand.Messages.Add(message.ToArray());
        errand.Bytes += message.Length;
        if (errand.Bytes > bound && !connection.IsBroken) Fail(connection, "too much waits for it");
    }

    private Connection Begin(Hop.Dial hop)
    {
        var leaves = RealmModule.towards(setup.Realm, hop).Value.Id;
        var opening = setup.Openings.First(opening => !opening.IsDatagram && opening.Sip.IsSome && opening.Sip.Value.Equals(leaves));
        var connection = new Connection(shard.Table.Next(), opening, Streams.Dialled)
        {
            Errand = new Errand(hop, leaves),
            IsSecure = hop.Transport.IsTls,
            Limit = shard.Now.After(patience),
        };
        shard.Table.Add(connection);
        shard.Wheel.Set(connection, connection.Limit);
        open[(hop.Transport, hop.Host, hop.Port)] = connection;
        Resolve(hop.Host, address => Connect(connection, address), reason => Fail(connection, reason));
        return connection;
    }

    private void Connect(Connection connection, Address address)
    {
        if (connection.Stage != Stage.Connecting) return;
        try
        {
            connection.Remote = new Endpoint(address, connection.Errand!.Hop.Port);
            connection.Descriptor = Sockets.Dial(connection.Remote);
            connection.Watched = Libc.Out;
            shard.Readiness.Add(connection.Descriptor, Libc.Out, connection.Number);
        }
        catch (Exception reason) when (reason is IOException or AuthenticationException)
        {
            Fail(connection, reason.Message);
        }
    }

    private void SendDatagram(Hop.Dial hop, ReadOnlyMemory<byte> message)
    {
        if (hop.Host is Host.Address { Address: var known })
        {
            shard.Doors.Send(RealmModule.towards(setup.Realm, hop).Value.Id, new Endpoint(known, hop.Port), message.Span);
            return;
        }
        var bytes = message.ToArray();
        Resolve(
            hop.Host,
            address => shard.Doors.Send(RealmModule.towards(setup.Realm, hop).Value.Id, new Endpoint(address, hop.Port), bytes),
            reason =>
            {
                log.Unreachable(HostModule.print(hop.Host), reason);
                shard.Conductor.Undeliverable(shard.Now, hop, bytes, shard);
            });
    }

    // A name is looked up on another thread; what comes of it is handed in like anything from outside.
    private void Resolve(Host host, Action<Address> found, Action<string> missing)
    {
        if (host is Host.Address { Address: var address }) found(address);
        else _ = LookUpAsync(host, found, missing);
    }

    private async Task LookUpAsync(Host host, Action<Address> found, Action<string> missing)
    {
        await Task.Yield();
        try
        {
            var address = AddressModule.ofIPAddress(await Resolver.AddressAsync(host, CancellationToken.None));
            shard.Post(() => found(address));
        }
        catch (Exception reason) when (reason is SocketException or ArgumentException)
        {
            shard.Post(() => missing(reason.Message));
        }
    }
}
