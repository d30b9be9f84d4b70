using Sip.Edge;
using Sip.Routing;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>
/// One thread with its sockets, connections, buffers and conductor. A turn waits until something is ready,
/// deals with it and sends what came of it; on the way of a message nothing is awaited, locked or handed on.
/// </summary>
public sealed class Shard
{
    // Fewer than that being ready after a rest have come just now.
    private const int many = 64;
    // So many handshakes are gone on with in a turn: whoever is connected waits for a few of them, not for all.
    private const int shakesOfATurn = 8;
    private readonly Clock clock;
    private readonly ILogger log;
    private readonly Realm realm;
    private readonly int number;
    private readonly List<Connection> passed = [];
    // Those whose handshake can go on and has to wait for a later turn.
    private readonly Queue<long> ripe = new();
    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Neighbours neighbours;
    private Gathering gathering = GatheringModule.start;
    private long looked, seen;
    private int came, told, shakes;
    private long since;

    internal Shard(int number, Setup setup, IConductor conductor, Clock clock, ReactorSettings settings, bool shared, ILogger log)
    {
        (this.number, this.clock, this.log) = (number, clock, log);
        (realm, Tls) = (setup.Realm, settings.Tls);
        Conductor = conductor;
        Now = clock.Now;
        Wheel = new Wheel(Now);
        Table = new ConnectionTable(number);
        Incoming = new Incoming(this, setup.Openings);
        Outgoing = new Outgoing(this, settings.QueueBytes);
        Endings = new Endings(this, log);
        Announcements = new Announcements(this);
        Setup = setup;
        Dials = new Dials(this, setup, settings.QueueBytes, log);
        Doors = new Doors(this, setup.Openings, shared, log);
        neighbours = new Neighbours(number, []);
        Farewell = new Farewell(this);
        Readiness.Add(Inbox.Descriptor, Libc.In, 0);
    }

    /// <summary>The time at which this turn began.</summary>
    public Instant Now { get; private set; }

    /// <summary>TLS for the handshakes that begin now.</summary>
    internal TlsContexts Tls { get; private set; }

    internal Inbox Inbox { get; } = new();
    internal IConductor Conductor { get; }
    internal Readiness Readiness { get; } = new();
    internal BufferPool Pool { get; } = new();
    internal ConnectionTable Table { get; }
    internal Wheel Wheel { get; }
    internal Incoming Incoming { get; }
    internal Outgoing Outgoing { get; }
    internal Endings Endings { get; }
    internal Announcements Announcements { get; }
    internal Setup Setup { get; }
    internal Dials Dials { get; }
    internal Doors Doors { get; }
    internal Farewell Farewell { get; }

    /// <summary>Done when every connection is closed after <see cref="Stop"/>.</summary>
    internal Task Done => done.Task;

    /// <summary>Sends a message on a flow: a datagram, or to a connection of this or another shard.</summary>
    public void Send(in Flow flow, ReadOnlySpan<byte> message)
    {
        var owner = ConnectionTable.ShardOf(flow.Connection);
        if (flow.Connection == 0) Doors.Send(flow.Listener, flow.Remote, message);
        else if (owner == number) SendHere(flow.Connection, message);
        else neighbours.Of(owner)?.Send(flow, message);
    }

    /// <summary>Hands a message over to the shard that works on it.</summary>
    public void Hand(int shard, in Flow flow, ReadOnlySpan<byte> message) => neighbours.Of(shard)?.Hand(flow, message);

    /// <summary>Tells every other shard.</summary>
    public void Tell(Told told) => neighbours.Tell(told);

    /// <summary>Sends a message to an address, over the connection that leads there or a new one.</summary>
    public void Dial(Hop hop, ReadOnlyMemory<byte> message) => Dials.Send((Hop.Dial)hop, message);

    /// <summary>Hands work to the shard's thread; safe from any thread.</summary>
    internal void Post(Action work) => Inbox.Post(work);

    /// <summary>Begins on a thread of its own.</summary>
    internal void Start(Shard[] shards)
    {
        neighbours = new Neighbours(number, shards);
        new Thread(Run) { IsBackground = true, Name = $"shard {number}" }.Start();
    }

    /// <summary>Handshakes from now on show another certificate.</summary>
    internal void Replace(TlsContexts contexts) => Tls = contexts;

    /// <summary>Accepts nothing new, lets what is under way finish until then, says goodbye and ends.</summary>
    internal void Stop(Instant by)
    {
        Farewell.Begin(by);
        Doors.StopAccepting();
    }

    /// <summary>
    /// Takes what other shards left before what has just been received: whoever sent that may have heard of
    /// something that this shard is being told.
    /// </summary>
    internal void Hear()
    {
        if (Inbox.HasNews) TakeNews();
    }

    /// <summary>What is looked at now has waited so many milliseconds.</summary>
    internal void Waited(long milliseconds, int filled) => Conductor.Load.Waited(Now, milliseconds, filled);

    /// <summary>What a connection brings now came at the earliest when all sockets had last been seen to.</summary>
    internal void Waited() => Waited((clock.Microseconds - seen) / 1000, 0);

    /// <summary>A balancer has said for whom a connection is: whether that one may have it.</summary>
    internal bool Counts(Connection connection)
    {
        var address = connection.Remote.Address;
        if (connection.Counted is not null || Setup.IsBalancer(address)) return true;
        if (!Conductor.Guard.Connects(Now, address))
        {
            Endings.End(connection, "its address may have no more connections");
            return false;
        }
        connection.Counted = address;
        return true;
    }

    /// <summary>A message came on a connection.</summary>
    internal void Arrived(Connection connection, ReadOnlyMemory<byte> message)
    {
        if (connection.Counted is { } counted && !Conductor.Guard.Message(Now, connection.Number, counted))
        {
            Endings.End(connection, "it sends too much");
            return;
        }
        OpenSip(connection);
        Arrived(connection.Flow, message);
    }

    /// <summary>A message came by a flow.</summary>
    internal void Arrived(in Flow flow, ReadOnlyMemory<byte> message)
    {
        came++;
        Conductor.Arrived(Now, flow, message, this);
    }

    // Another shard has handed a message over.
    private void Handed(in Flow flow, ReadOnlyMemory<byte> message)
    {
        came++;
        Conductor.Handed(Now, flow, message, this);
    }

    /// <summary>The head of a message came on a stream behind which nothing can be read.</summary>
    internal void Unframed(Connection connection, StreamEvent why, ReadOnlyMemory<byte> head)
    {
        OpenSip(connection);
        Conductor.Unframed(Now, connection.Flow, why, head, this);
    }

    /// <summary>A connection can carry messages from now on.</summary>
    internal void Opened(Connection connection, ListenerId listener, Transport transport)
    {
        connection.Flow = new Flow(listener, transport, connection.Number, connection.Remote);
        if (log.IsEnabled(LogLevel.Information))
            log.Opened(EndpointModule.print(connection.Remote), connection.Number, TransportModule.inVia(transport));
        Conductor.Opened(Now, connection.Flow, this);
    }

    /// <summary>The token of its handshake says whose a connection is that has just been opened.</summary>
    internal void Visited(Connection connection, string user, long until) => Conductor.Visited(Now, connection.Flow, user, until, this);

    /// <summary>Does what a step of a stream says about the connection itself.</summary>
    internal void Do(Connection connection, in StreamStep step)
    {
        if (!ReferenceEquals(step.State, connection.State))
        {
            connection.State = step.State;
            Arm(connection);
        }
        if (step.Bytes.Length == 0 && !step.Event.IsCloseAfter) return;
        if (step.Event.IsWrite || step.Event.IsUpgraded || step.Event.IsCloseAfter) Outgoing.Write(connection, step.Bytes);
        if (step.Event.IsUpgraded) Opened(connection, connection.Opening.WebSocket.Value, connection.IsSecure ? Transport.Wss : Transport.Ws);
        if (step.Event.IsCloseAfter) Endings.End(connection, step.Reason);
    }

    /// <summary>Sets the deadline of a connection that carries bytes: the stream's or that of what waits to be sent.</summary>
    internal void Arm(Connection connection)
    {
        if (connection.Stage == Stage.Open)
            Wheel.Set(connection, Instant.Earlier(connection.State.Wake, BacklogModule.limit(connection.Backlog)));
    }

    /// <summary>The bytes of a connection begin, those of TLS where there is TLS.</summary>
    internal void Begin(Connection connection)
    {
        connection.Stage = connection.IsSecure && connection.Session == 0 ? Stage.Securing : Stage.Open;
        connection.State = connection.Stage == Stage.Securing ? Streams.Securing(Now) : Streams.Accepted(connection.Opening.Rules, Now);
        Wheel.Set(connection, connection.State.Wake);
        if (connection.Stage == Stage.Securing) Shake(connection);
        else Incoming.Read(connection);
    }

    /// <summary>Goes on shaking hands for TLS.</summary>
    internal void Shake(Connection connection)
    {
        if (connection.Session == 0) connection.Session = (connection.Opening.Admits.IsAnybody ? Tls.Server : Tls.Trunk)!.Accept(connection.Descriptor);
        var moved = TlsSession.Shake(connection.Session);
        connection.ReadWantsWrite = moved == Moved.WantsWrite;
        if (moved is Moved.End or Moved.Broken) Distrust(connection, TlsSession.Words(connection.Session));
        else if (moved == Moved.Some) Shaken(connection);
        Outgoing.Touch(connection);
    }

    private void Shaken(Connection connection)
    {
        if (Trust.Objection(realm, connection) is { } objection)
        {
            Distrust(connection, objection);
            return;
        }
        if (connection.Errand is null)
        {
            Begin(connection);
            return;
        }
        Dials.Open(connection);
        Incoming.Read(connection);
    }

    private void Distrust(Connection connection, string reason)
    {
        if (connection.Errand is not null) Dials.Fail(connection, reason);
        else Endings.End(connection, reason);
    }

    /// <summary>Watches a connection for what it waits for.</summary>
    internal void Watch(Connection connection)
    {
        var wanted = connection.Stage == Stage.Connecting
            ? Libc.Out
            : (connection.IsDeserted ? 0 : Libc.In) | (connection.SendWantsWrite || connection.ReadWantsWrite ? Libc.Out : 0);
        if (wanted == connection.Watched || connection.Descriptor < 0) return;
        connection.Watched = wanted;
        Readiness.Change(connection.Descriptor, wanted, connection.Number);
    }

    // The first message of a SIP stream opens its flow.
    private void OpenSip(Connection connection)
    {
        if (!connection.IsOpened) Opened(connection, connection.Opening.Sip.Value, connection.IsSecure ? Transport.Tls : Transport.Tcp);
    }

    private void Run()
    {
        while (!(Farewell.IsSaid && Table.Count == 0)) Turn();
        Doors.Dispose();
        TakeInbox();
        done.TrySetResult();
    }

    // A turn that begins a moment later deals with several messages at once.
    private void Gather()
    {
        var pause = GatheringModule.pause(gathering) - (clock.Microseconds - looked);
        if (pause > 0) Readiness.Rest(pause);
    }

    private void Look()
    {
        var now = clock.Microseconds;
        gathering = GatheringModule.saw(came, now - looked, gathering);
        (looked, came) = (now, 0);
    }

    // Who had to wait for something has nothing behind; what is ready at once may have come since the last time.
    private void See(long before, int count)
    {
        told += count;
        if (looked - before > 100 && count < many) (seen, since, told) = (looked, looked, 0);
        // No more than can be told at once are: it takes as many turns until each has had its own.
        else if (!Readiness.IsWhole(count) || told > Table.Count) (seen, since, told) = (since, looked, 0);
    }

    private void Turn()
    {
        Gather();
        var before = clock.Microseconds;
        var count = Readiness.Wait(Patience());
        Look();
        See(before, count);
        Now = clock.Now;
        ShakeRipe();
        for (var i = 0; i < count; i++)
        {
            var mark = Readiness.Mark(i);
            if (mark == 0) TakeInbox();
            else if (ConnectionTable.IsDoor(mark)) Doors.Answer(mark);
            else if (Table.Find(mark) is { } connection) Ready(connection, Readiness.Events(i));
        }
        if (Incoming.HasUnread) Incoming.ReadUnread();
        TakeDeadlines();
        if (Conductor.Load.Sifts(Now)) Doors.Sift(Conductor.Load.Sieve);
        Farewell.Look(neighbours);
        Outgoing.Flush();
        Doors.Flush();
        neighbours.Ring();
    }

    private int Patience()
    {
        if (Incoming.HasUnread || ripe.Count > 0) return 0;
        var wake = Math.Min(Math.Min(Conductor.Wake.Milliseconds, Wheel.Wake.Milliseconds), Farewell.Wake.Milliseconds);
        return wake == long.MaxValue ? -1 : (int)Math.Clamp(wake - clock.Now.Milliseconds, 0, 1_000_000);
    }

    // What goes wrong with a connection ends it, and nothing else.
    private void Ready(Connection connection, uint events)
    {
        try
        {
            if (connection.Stage == Stage.Connecting)
            {
                Dials.Connected(connection);
            }
            else if (connection.Stage == Stage.Announcing)
            {
                Announcements.Read(connection);
            }
            else if (connection.Stage == Stage.Securing)
            {
                if (connection.Errand is not null || shakes++ < shakesOfATurn) Shake(connection);
                else Defer(connection);
            }
            else
            {
                if ((events & Libc.Out) != 0 || connection.SendWantsRead) Outgoing.Touch(connection);
                if ((events & ~Libc.Out) != 0 || connection.ReadWantsWrite) Incoming.Read(connection);
            }
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            log.Fault(fault, EndpointModule.print(connection.Remote), connection.Number, "");
            connection.IsBroken = true;
            Outgoing.Touch(connection);
        }
    }

    // Until its turn comes it is not watched: what is ready all the time would be told all the time.
    private void Defer(Connection connection)
    {
        if (connection.Watched == 0) return;
        connection.Watched = 0;
        Readiness.Change(connection.Descriptor, 0, connection.Number);
        ripe.Enqueue(connection.Number);
    }

    private void ShakeRipe()
    {
        shakes = 0;
        while (shakes < shakesOfATurn && ripe.TryDequeue(out var number))
            if (Table.Find(number) is { Stage: Stage.Securing } connection) Ready(connection, Libc.In);
    }

    private void TakeInbox()
    {
        Inbox.Answer();
        TakeNews();
        while (Inbox.TryTake(out Action? work)) work!();
    }

    private void TakeNews()
    {
        while (Inbox.TryTake(out Inbox.Left left))
        {
            if (left.Told is { } told) Conductor.Told(Now, told, this);
            else if (left.Way == Inbox.Way.Out) SendHere(left.Flow.Connection, left.Bytes.Span);
            else Handed(left.Flow, left.Bytes);
            Inbox.Return(left);
        }
    }

    private void SendHere(long connection, ReadOnlySpan<byte> message)
    {
        if (Table.Find(connection) is { } found) Outgoing.Send(found, message);
    }

    private void TakeDeadlines()
    {
        if (Conductor.Wake.Milliseconds <= Now.Milliseconds) Conductor.Tick(Now, this);
        if (Wheel.Wake.Milliseconds > Now.Milliseconds) return;
        Wheel.Collect(Now, passed);
        foreach (var connection in passed) Passed(connection);
        passed.Clear();
    }

    private void Passed(Connection connection)
    {
        if (connection.Stage == Stage.Ending)
        {
            connection.IsBroken = true;
            Outgoing.Touch(connection);
        }
        else if (connection.Errand is not null && connection.Stage != Stage.Open)
        {
            Dials.Fail(connection, "it does not answer");
        }
        else if (BacklogModule.isUnread(Now, connection.Backlog))
        {
            Outgoing.Abandon(connection);
        }
        else
        {
            Do(connection, Streams.Tick(Now, connection.State));
            Arm(connection);
        }
    }
}
