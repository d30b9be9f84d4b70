using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Sip.Edge;
using Sip.Identity;
using Sip.Routing;
using Sip.Server.Resolving;
using Sip.Server.Shell;

namespace Sip.Server.Portable;

/// <summary>The edge on any system: Kestrel accepts connections, sockets carry datagrams, one lock guards the ledger.</summary>
public sealed class PortableEdge : IEdge, IDisposable
{
    private readonly Lock gate = new();
    private readonly Ledger ledger;
    private readonly Resolver resolver;
    private readonly Queue<Input> waiting = new();
    private readonly Connections connections;
    private readonly Dictionary<ListenerId, DatagramSocket> datagrams = [];
    private readonly ITimer timer;
    private readonly TaskCompletionSource quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TimeSpan patience;
    private readonly X509Certificate2Collection trusted;
    private volatile Serving? serving;
    private bool stopping;

    /// <summary>An edge that has not begun yet.</summary>
    public PortableEdge(Setup setup, Ledger ledger, Resolver resolver, Clock clock, StreamSettings streams, TimeSpan patience, ILogger log)
    {
        Setup = setup;
        this.ledger = ledger;
        this.resolver = resolver;
        this.patience = patience;
        trusted = streams.Trusted;
        Clock = clock;
        Log = log;
        connections = new Connections(this, setup, streams);
        timer = clock.Time.CreateTimer(_ => Take(Input.Tick), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>What was asked for.</summary>
    public Setup Setup { get; }

    /// <summary>The time of everything that happens here.</summary>
    public Clock Clock { get; }

    /// <summary>Where it is written down.</summary>
    public ILogger Log { get; }

    /// <inheritdoc/>
    public Task ShowAsync(IReadOnlyList<TlsIdentity> identities)
    {
        serving = new Serving(Setup.Realm, identities, trusted);
        return Task.CompletedTask;
    }

    /// <summary>How hands are shaken with a client that asks this listener for this name.</summary>
    public SslServerAuthenticationOptions Shaking(Opening opening, string? name) => serving!.For(opening, name);

    /// <summary>Lives through a connection that a client opened.</summary>
    public Task AcceptAsync(Opening opening, ConnectionContext context) => connections.AcceptAsync(opening, context);

    /// <inheritdoc/>
    public Task EnrollAsync(Subscriber subscriber)
    {
        Take(Input.NewEnrolled(subscriber));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<KeyValuePair<string, int>>> OnlineAsync()
    {
        lock (gate) return Task.FromResult(ledger.Online(Clock.Now));
    }

    /// <inheritdoc/>
    public Task<Counts> CountAsync()
    {
        lock (gate) return Task.FromResult(new Counts(connections.Count, ledger.Pending, ledger.Held, ledger.Proofs));
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancel)
    {
        foreach (var opening in Setup.Openings.Where(opening => opening.IsDatagram))
            datagrams[opening.Sip.Value] = new DatagramSocket(this, opening);
        foreach (var socket in datagrams.Values) socket.Start();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync()
    {
        lock (gate)
        {
            stopping = true;
            if (ledger.Pending == 0) quiet.TrySetResult();
        }
        await Task.WhenAny(quiet.Task, Task.Delay(patience, Clock.Time));
        await connections.CloseAsync();
        foreach (var socket in datagrams.Values) socket.Dispose();
    }

    /// <summary>Hands one input to the ledger and does what it says. A fault costs this input only.</summary>
    public void Take(Input input)
    {
        lock (gate)
        {
            // What an effect leads to at once waits until the effects before it are done: they are good until the next input.
            waiting.Enqueue(input);
            if (waiting.Count > 1) return;
            for (; waiting.TryPeek(out var next); waiting.Dequeue()) One(next);
            if (stopping && ledger.Pending == 0) quiet.TrySetResult();
            Arm();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => timer.Dispose();

    private void One(Input input)
    {
        try
        {
            foreach (var effect in ledger.Take(Clock.Now, input)) Do(effect);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            var (flow, bytes) = input is Input.Arrived arrived ? (arrived.Flow, arrived.Bytes) : (default, default);
            Log.Fault(fault, EndpointModule.print(flow.Remote), flow.Connection, Convert.ToBase64String(bytes.Span));
        }
    }

    private void Do(Effect effect)
    {
        switch (effect)
        {
            case Effect.Send { To: Hop.Flow { Flow: var flow }, Bytes: var bytes } when flow.Connection == 0:
                datagrams[flow.Listener].Send(flow.Remote, bytes.Span);
                break;
            case Effect.Send { To: Hop.Flow { Flow: var flow }, Bytes: var bytes }:
                connections.Send(flow, bytes.Span);
                break;
            case Effect.Send { To: Hop.Dial dial, Bytes: var bytes } when dial.Destination.Transport.IsUdp:
                var there = dial.Destination;
                datagrams[RealmModule.towards(Setup.Realm, dial).Value.Id].Send(new Endpoint(there.Address, there.Port), bytes.Span);
                break;
            case Effect.Send { To: Hop.Dial dial, Bytes: var bytes }:
                connections.Dial(dial, bytes);
                break;
            case Effect.Ask { Question: var question }:
                _ = AskAsync(question);
                break;
            case Effect.Note { Note: var note }:
                Log.Noted(note);
                break;
            default:
                throw new InvalidOperationException($"Unknown effect {effect}");
        }
    }

    private async Task AskAsync(Question question)
    {
        await Task.Yield();
        Take(await resolver.AskAsync(question, CancellationToken.None));
    }

    private void Arm()
    {
        var wake = ledger.Wake;
        var wait = wake.Equals(Instant.Never)
            ? Timeout.InfiniteTimeSpan
            : TimeSpan.FromMilliseconds(Math.Clamp(wake.Milliseconds - Clock.Now.Milliseconds, 0, 1_000_000));
        timer.Change(wait, Timeout.InfiniteTimeSpan);
    }
}
