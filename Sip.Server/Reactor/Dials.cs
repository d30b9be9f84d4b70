using System.Security.Authentication;
using Sip.Edge;
using Sip.Routing;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>The connections that this shard opened, by where they lead.</summary>
internal sealed class Dials(Shard shard, Setup setup, int bound, ILogger log)
{
    private readonly Dictionary<Destination, Connection> open = [];

    /// <summary>Sends a message there, over the connection that there is or a new one.</summary>
    public void Send(Hop.Dial hop, ReadOnlyMemory<byte> message)
    {
        var there = hop.Destination;
        if (there.Transport.IsUdp) shard.Doors.Send(RealmModule.towards(setup.Realm, hop).Value.Id, Endpoint(there), message.Span);
        else Give(open.GetValueOrDefault(there) ?? Begin(hop), message);
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
            connection.Limit = shard.Now.After(Patience.securing);
            shard.Wheel.Set(connection, connection.Limit);
            connection.Session = shard.Tls.Client!.Dial(connection.Descriptor, connection.Errand!.Hop.Destination.Domain);
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
        log.Unreachable(HostModule.print(connection.Errand!.Hop.Destination.Domain), reason);
        (connection.IsBroken, connection.Reason) = (true, reason);
        shard.Outgoing.Touch(connection);
    }

    /// <summary>The connection ends: the next message takes another, and who waits for an answer waits in vain.</summary>
    public void Forget(Connection connection)
    {
        var errand = connection.Errand!;
        open.Remove(errand.Hop.Destination);
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
            IsSecure = hop.Destination.Transport.IsTls,
            Limit = shard.Now.After(Patience.connecting),
        };
        shard.Table.Add(connection);
        shard.Wheel.Set(connection, connection.Limit);
        open[hop.Destination] = connection;
        Connect(connection);
        return connection;
    }

    private void Connect(Connection connection)
    {
        try
        {
            connection.Remote = Endpoint(connection.Errand!.Hop.Destination);
            connection.Descriptor = Sockets.Dial(connection.Remote);
            connection.Watched = Libc.Out;
            shard.Readiness.Add(connection.Descriptor, Libc.Out, connection.Number);
        }
        catch (Exception reason) when (reason is IOException or AuthenticationException)
        {
            Fail(connection, reason.Message);
        }
    }

    private static Endpoint Endpoint(Destination there) => new(there.Address, there.Port);
}
