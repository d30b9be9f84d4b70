using System.Buffers;
using System.IO.Pipelines;
using Microsoft.FSharp.Core;
using Sip.Edge;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Portable;

/// <summary>One TCP, TLS, WS or WSS connection. What its bytes mean is decided by <see cref="Streams"/>; here they are moved.</summary>
public sealed class StreamConnection
{
    private readonly PortableEdge edge;
    private readonly Outbox outbox;
    private readonly TaskCompletionSource gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ITimer timer;
    private Instant armed = Instant.Never;
    private Flow? flow;
    private string reason = "the peer went away";

    /// <summary>A connection that has not begun yet.</summary>
    public StreamConnection(PortableEdge edge, StreamSettings settings, long number, Endpoint remote)
    {
        this.edge = edge;
        Number = number;
        Remote = remote;
        outbox = new Outbox(settings.QueueBytes, edge.Clock.Time);
        timer = edge.Clock.Time.CreateTimer(_ => Tick(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The number that no other connection of this process has.</summary>
    public long Number { get; }

    /// <summary>The far end.</summary>
    public Endpoint Remote { get; set; }

    /// <summary>What holds for its listener.</summary>
    public required StreamRules Rules { get; init; }

    /// <summary>The listener that it belongs to once it carries SIP.</summary>
    public required FSharpValueOption<ListenerId> Sip { get; init; }

    /// <summary>The listener that it belongs to once it is a WebSocket.</summary>
    public required FSharpValueOption<ListenerId> WebSocket { get; init; }

    /// <summary>Whether this server opened it.</summary>
    public required bool IsDialled { get; init; }

    /// <summary>Whether TLS is below.</summary>
    public required bool IsSecure { get; init; }

    /// <summary>What is remembered of the stream; guarded by the outbox's lock.</summary>
    public required StreamState State { get; set; }

    /// <summary>Done when the connection is.</summary>
    public Task Gone => gone.Task;

    /// <summary>Queues one message.</summary>
    public void Send(ReadOnlySpan<byte> message)
    {
        lock (outbox.Gate) Streams.Wrap(State, message, outbox.Writer);
        Flush();
    }

    /// <summary>Begins to close.</summary>
    public void Close(int code, string why)
    {
        lock (outbox.Gate) Do(Streams.Close(edge.Clock.Now, code, why, State));
        Arm();
        Flush();
    }

    /// <summary>Lives through the connection; `abandon` ends one whose peer does not take the last bytes.</summary>
    public async Task RunAsync(IDuplexPipe transport, Action abandon)
    {
        outbox.Begin(transport.Output);
        if (IsDialled) Open(isWebSocket: false);
        Arm();
        Flush();
        try
        {
            await ReceiveLoopAsync(transport.Input);
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or ObjectDisposedException)
        {
            reason = broken.Message;
        }
        if (flow is { } carried) edge.Take(Input.NewClosed(carried));
        await timer.DisposeAsync();
        if (!await outbox.EndAsync()) abandon();
        await transport.Input.CompleteAsync();
        await transport.Output.CompleteAsync();
        if (flow is not null) edge.Log.Closed(EndpointModule.print(Remote), Number, outbox.IsOverfull ? "it reads too slowly" : reason);
        gone.TrySetResult();
    }

    private async Task ReceiveLoopAsync(PipeReader input)
    {
        var kept = new Remainder();
        using var _ = outbox.Ended.Register(input.CancelPendingRead);
        while (true)
        {
            var read = await input.ReadAsync();
            var bytes = kept.With(read.Buffer);
            input.AdvanceTo(read.Buffer.End);
            var consumed = Receive(bytes);
            kept.Keep(consumed);
            Arm();
            Flush();
            if (outbox.IsClosing || read.IsCompleted || read.IsCanceled) return;
        }
    }

    private int Receive(Memory<byte> bytes)
    {
        var done = 0;
        while (true)
        {
            StreamStep step;
            var visitor = Visitor.Anybody;
            lock (outbox.Gate)
            {
                step = Streams.Receive(Rules, edge.Clock.Now, State, bytes.Span[done..]);
                if (step.Event.IsUpgraded && edge.Setup.IsBalancer(Remote.Address)) step = Forwarded(step, bytes.Span.Slice(done, step.Consumed));
                if (step.Event.IsUpgraded) step = Visitors.Judged(edge.Setup, edge.Clock.Now, step, bytes.Span.Slice(done, step.Consumed), out visitor);
                Do(step);
            }
            if ((step.Event.IsMessage || step.Event.IsAssembled) && !IsDialled && !edge.Admits(Number, Remote.Address))
            {
                reason = "it sends too much";
                lock (outbox.Gate) outbox.Close();
                return done;
            }
            if (step.Event.IsUpgraded) Open(isWebSocket: true);
            if (visitor is Visitor.Proven { User: var user, Until: var until }) edge.Take(Input.NewVisited(flow!.Value, user, until));
            // Only what came in one piece stands among these bytes.
            if (step.Event.IsMessage) edge.Take(Input.NewArrived(Carried(), bytes.Slice(done + step.Offset, step.Length)));
            if (step.Event.IsAssembled) edge.Take(Input.NewArrived(Carried(), step.Bytes));
            if (step.Event.IsBroken || step.Event.IsTooLarge) Refuse(step.Event, bytes.Slice(done + step.Offset, step.Length));
            done += step.Consumed;
            if (step.Event.IsNeedMore || outbox.IsClosing) return done;
        }
    }

    // The handshake of a balancer may name the client that it is for.
    private StreamStep Forwarded(in StreamStep step, ReadOnlySpan<byte> head)
    {
        var remote = Remote;
        var next = Balancing.Forwarded(edge.Setup, step, head, ref remote);
        Remote = remote;
        return next;
    }

    // The flow, which the first message of a SIP stream opens.
    private Flow Carried()
    {
        if (flow is null) Open(isWebSocket: false);
        return flow!.Value;
    }

    // The answer still goes out; nothing behind it can be read.
    private void Refuse(StreamEvent why, ReadOnlyMemory<byte> head)
    {
        edge.Take(Input.NewUnframed(Carried(), why, head));
        lock (outbox.Gate) outbox.Close();
    }

    private void Open(bool isWebSocket)
    {
        var transport = (isWebSocket, IsSecure) switch
        {
            (true, true) => Transport.Wss,
            (true, false) => Transport.Ws,
            (false, true) => Transport.Tls,
            (false, false) => Transport.Tcp,
        };
        flow = new Flow((isWebSocket ? WebSocket : Sip).Value, transport, Number, Remote);
        edge.Log.Opened(EndpointModule.print(Remote), Number, TransportModule.inVia(transport));
        edge.Take(Input.NewOpened(flow.Value));
    }

    // What a step says about this side; the caller holds the lock.
    private void Do(StreamStep step)
    {
        State = step.State;
        if (step.Event.IsWrite || step.Event.IsUpgraded || step.Event.IsCloseAfter) outbox.Writer.Write(step.Bytes);
        if (step.Reason.Length > 0) reason = step.Reason;
        if (!step.Event.IsCloseAfter) return;
        if (flow is null) edge.Log.HandshakeRefused(EndpointModule.print(Remote), Number, step.Reason);
        outbox.Close();
    }

    private void Tick()
    {
        lock (outbox.Gate)
        {
            armed = Instant.Never;
            Do(Streams.Tick(edge.Clock.Now, State));
        }
        Arm();
        Flush();
    }

    private void Flush() => outbox.Flush();

    private void Arm()
    {
        lock (outbox.Gate)
        {
            var wake = Streams.Wake(State);
            if (wake.Equals(armed)) return;
            armed = wake;
            var wait = wake.Equals(Instant.Never)
                ? Timeout.InfiniteTimeSpan
                : TimeSpan.FromMilliseconds(Math.Max(0, wake.Milliseconds - edge.Clock.Now.Milliseconds));
            timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }
}
