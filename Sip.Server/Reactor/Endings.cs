using Sip.Server.Shell;

namespace Sip.Server.Reactor;

/// <summary>
/// How connections end: the conductor is told, what waits is sent, our side is shut, and the descriptor is
/// closed once the peer has shut its own, so that no last word is lost to a reset; all that within two seconds.
/// </summary>
internal sealed unsafe class Endings(Shard shard, ILogger log)
{
    private const long patience = 2_000;

    /// <summary>Begins to end a connection, unless it ends already.</summary>
    public void End(Connection connection, string reason)
    {
        if (connection.Stage is Stage.Ending or Stage.Gone) return;
        // Before hands were shaken there is nothing to say.
        if (connection.Stage != Stage.Open) connection.IsBroken = true;
        if (connection.Reason.Length == 0) connection.Reason = reason;
        connection.Stage = Stage.Ending;
        connection.Limit = shard.Now.After(patience);
        shard.Wheel.Set(connection, connection.Limit);
        shard.Incoming.Drop(connection);
        shard.Outgoing.Touch(connection);
        if (connection.Errand is not null) shard.Dials.Forget(connection);
        if (connection.IsOpened) shard.Conductor.Closed(shard.Now, connection.Flow, shard);
        else if (connection.Errand is null && log.IsEnabled(LogLevel.Information))
            log.HandshakeRefused(EndpointModule.print(connection.Remote), connection.Number, connection.Reason);
    }

    /// <summary>Goes on ending, once what waited has been sent or cannot be.</summary>
    public void Finish(Connection connection)
    {
        if (connection.IsBroken || (connection.IsDeserted && connection.WaitingLength == 0))
        {
            Release(connection);
        }
        else if (connection.WaitingLength == 0 && !connection.IsShut)
        {
            connection.IsShut = true;
            if (connection.Session != 0) TlsSession.Shut(connection.Session);
            Libc.shutdown(connection.Descriptor, Libc.ShutWrite);
        }
    }

    /// <summary>Closes the descriptor and forgets the connection.</summary>
    public void Release(Connection connection)
    {
        connection.Stage = Stage.Gone;
        shard.Wheel.Clear(connection);
        shard.Outgoing.Drop(connection);
        if (connection.Session != 0) Libssl.SSL_free(connection.Session);
        if (connection.Descriptor >= 0)
        {
            if (connection.IsOverfull) Sockets.Abandon(connection.Descriptor);
            Libc.close(connection.Descriptor);
        }
        (connection.Session, connection.Descriptor) = (0, -1);
        shard.Table.Remove(connection);
        if (connection.Counted is { } counted) shard.Conductor.Guard.Leaves(counted);
        if (connection.IsOpened && log.IsEnabled(LogLevel.Information))
            log.Closed(EndpointModule.print(connection.Remote), connection.Number, connection.Reason);
    }
}
