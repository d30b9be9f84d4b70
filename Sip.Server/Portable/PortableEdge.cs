using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Sip.Edge;
using Sip.Guarding;
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

    /// <summary>Where bans are taken to, if the operator allows it.</summary>
    public Nftables? Nftables { get; init; }

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

    /// <summary>Whether a datagram from there is looked at.</summary>
    public bool Admits(Address from)
    {
        lock (gate) return ledger.Guard.Datagram(Clock.Now, from);
    }

    /// <summary>Whether one more message on a connection is looked at; if not, it is to be closed.</summary>
    public bool Admits(long connection, Address from)
    {
        lock (gate) return ledger.Guard.Message(Clock.Now, connection, from);
    }

    /// <summary>Whether a connection from there is kept; if so, it is counted until it leaves.</summary>
    public bool Welcomes(Address from)
    {
        lock (gate) return ledger.Load.Room.IsAmple && ledger.Guard.Connects(Clock.Now, from);
    }

    /// <summary>A connection that was counted is gone.</summary>
    public void Leaves(Address from)
    {
        lock (gate) ledger.Guard.Leaves(from);
    }

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
    public Task<IReadOnlyList<(Ban Ban, long Seconds)>> BansAsync()
    {
        var now = Clock.Now;
        lock (gate) return Task.FromResult<IReadOnlyList<(Ban, long)>>([.. ledger.Guard.Bans(now).Select(ban => (ban, (ban.Until.Since(now) + 999) / 1000))]);
    }

    /// <inheritdoc/>
    public Task BanAsync(Address address, int seconds)
    {
        var ban = new Ban(Origin.ofAddress(address), Offence.ByHand, Clock.Now, Clock.Now.After(seconds * 1000L));
        lock (gate) ledger.Guard.Ban(Clock.Now, ban);
        Nftables?.Ban(ban);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<bool> PardonAsync(Address address)
    {
        Nftables?.Pardon(address);
        lock (gate) return Task.FromResult(ledger.Guard.Pardon(address));
    }

    /// <inheritdoc/>
    public async Task<string> CensusAsync()
    {
        var held = (await CountAsync()).ByName();
        lock (gate) return Census.text([Census.ofShard(ledger.Guard, ledger.Load, ledger.Withheld)], held);
    }

    /// <inheritdoc/>
    public Task MakeRoomAsync(Room room)
    {
        lock (gate) ledger.Load.Room = room;
        return Task.CompletedTask;
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
                if (note is Note.Banned { Ban: var ban }) Nftables?.Ban(ban);
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
