using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Sip.Edge;
using Sip.Routing;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Portable;

/// <summary>Every stream connection there is, accepted or dialled, by its number.</summary>
public sealed class Connections(PortableEdge edge, Setup setup, StreamSettings settings)
{
    private readonly ConcurrentDictionary<long, StreamConnection> open = new();
    private readonly ConcurrentDictionary<Destination, StreamConnection> dialled = new();
    private long last;

    /// <summary>Lives through a connection that a client opened.</summary>
    public async Task AcceptAsync(Opening opening, ConnectionContext context)
    {
        var remote = Remote(context.RemoteEndPoint);
        // A balancer connects for many.
        var isCounted = !edge.Setup.IsBalancer(remote.Address);
        if (isCounted && !edge.Welcomes(remote.Address))
        {
            context.Abort();
            return;
        }
        var connection = new StreamConnection(edge, settings, Interlocked.Increment(ref last), remote)
        {
            Rules = opening.Rules,
            Sip = opening.Sip,
            WebSocket = opening.WebSocket,
            IsDialled = false,
            IsSecure = opening.IsSecure,
            State = Streams.Accepted(opening.Rules, edge.Clock.Now),
        };
        try
        {
            await RunAsync(connection, context.Transport, context.Abort);
        }
        finally
        {
            if (isCounted) edge.Leaves(remote.Address);
        }
    }

    /// <summary>Sends on a connection, if it is still there.</summary>
    public void Send(Flow flow, ReadOnlySpan<byte> bytes)
    {
        if (open.TryGetValue(flow.Connection, out var connection)) connection.Send(bytes);
    }

    /// <summary>Sends to an address, over the connection that leads there or a new one.</summary>
    public void Dial(Hop.Dial hop, ReadOnlyMemory<byte> bytes)
    {
        var key = hop.Destination;
        if (dialled.TryGetValue(key, out var known))
        {
            known.Send(bytes.Span);
            return;
        }
        var leaves = RealmModule.towards(setup.Realm, hop).Value;
        var connection = new StreamConnection(edge, settings, Interlocked.Increment(ref last), default)
        {
            Rules = setup.Openings.First(opening => opening.Sip.IsSome && opening.Sip.Value.Equals(leaves.Id)).Rules,
            Sip = leaves.Id,
            WebSocket = default,
            IsDialled = true,
            IsSecure = key.Transport.IsTls,
            State = Streams.Dialled,
        };
        dialled[key] = connection;
        connection.Send(bytes.Span);
        _ = DialAsync(key, hop, connection);
    }

    /// <summary>How many there are.</summary>
    public int Count => open.Count;

    /// <summary>Says goodbye on every connection and waits until they are gone.</summary>
    public async Task CloseAsync()
    {
        var all = open.Values.ToArray();
        foreach (var connection in all) connection.Close(1001, "the server is going down");
        await Task.WhenAll(all.Select(connection => connection.Gone));
    }

    private async Task DialAsync(Destination key, Hop.Dial hop, StreamConnection connection)
    {
        try
        {
            var pipe = await Dialling.OpenAsync(hop, settings, edge.Clock.Time);
            connection.Remote = pipe.Remote;
            await RunAsync(connection, pipe.Transport, static () => { });
        }
        catch (Exception reason) when (reason is IOException or System.Net.Sockets.SocketException
            or System.Security.Authentication.AuthenticationException or OperationCanceledException)
        {
            edge.Log.Unreachable(HostModule.print(key.Domain), reason.Message);
        }
        finally
        {
            dialled.TryRemove(new(key, connection));
            edge.Take(Input.NewSevered(hop));
        }
    }

    private async Task RunAsync(StreamConnection connection, System.IO.Pipelines.IDuplexPipe transport, Action abandon)
    {
        open[connection.Number] = connection;
        try
        {
            await connection.RunAsync(transport, abandon);
        }
        finally
        {
            open.TryRemove(connection.Number, out _);
        }
    }

    private static Endpoint Remote(EndPoint? remote) =>
        remote is IPEndPoint ip ? new Endpoint(AddressModule.ofIPAddress(ip.Address), ip.Port) : default;
}
