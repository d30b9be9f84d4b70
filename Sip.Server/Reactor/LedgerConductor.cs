using Sip.Edge;
using Sip.Guarding;
using Sip.Identity;
using Sip.Routing;
using Sip.Server.Resolving;
using Sip.Server.Shell;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>The shard's ledger: inputs go in, effects come out. A fault costs one input.</summary>
public sealed class LedgerConductor(Ledger ledger, Resolver resolver, ILogger log, Nftables? nftables = null) : IConductor
{
    // What an effect leads to at once waits until the effects before it are done: they are good until the next input.
    private readonly Queue<Input> waiting = new();
    private bool isTaking;

    /// <inheritdoc/>
    public Instant Wake => ledger.Wake;

    /// <inheritdoc/>
    public int Pending => ledger.Pending;

    /// <inheritdoc/>
    public int Held => ledger.Held;

    /// <inheritdoc/>
    public int Proofs => ledger.Proofs;

    /// <inheritdoc/>
    public Guard Guard => ledger.Guard;

    /// <inheritdoc/>
    public Load Load => ledger.Load;

    /// <inheritdoc/>
    public long Withheld => ledger.Withheld;

    /// <inheritdoc/>
    public void Opened(Instant now, in Flow flow, Shard shard) => Take(now, Input.NewOpened(flow), shard);

    /// <inheritdoc/>
    public void Visited(Instant now, in Flow flow, string user, long until, Shard shard) => Take(now, Input.NewVisited(flow, user, until), shard);

    /// <inheritdoc/>
    public void Arrived(Instant now, in Flow flow, ReadOnlyMemory<byte> bytes, Shard shard) => Take(now, Input.NewArrived(flow, bytes), shard);

    /// <inheritdoc/>
    public void Handed(Instant now, in Flow flow, ReadOnlyMemory<byte> bytes, Shard shard) => Take(now, Input.NewHanded(flow, bytes), shard);

    /// <inheritdoc/>
    public void Told(Instant now, Told told, Shard shard) => Take(now, Input.NewTold(told), shard);

    /// <inheritdoc/>
    public void Unframed(Instant now, in Flow flow, StreamEvent why, ReadOnlyMemory<byte> head, Shard shard) =>
        Take(now, Input.NewUnframed(flow, why, head), shard);

    /// <inheritdoc/>
    public void Closed(Instant now, in Flow flow, Shard shard) => Take(now, Input.NewClosed(flow), shard);

    /// <inheritdoc/>
    public void Severed(Instant now, Hop hop, Shard shard) => Take(now, Input.NewSevered(hop), shard);

    /// <inheritdoc/>
    public void Tick(Instant now, Shard shard) => Take(now, Input.Tick, shard);

    /// <inheritdoc/>
    public void Enroll(Instant now, Subscriber subscriber, Shard shard) => Take(now, Input.NewEnrolled(subscriber), shard);

    /// <inheritdoc/>
    public IReadOnlyList<KeyValuePair<string, int>> Online(Instant now) => ledger.Online(now);

    private void Take(Instant now, Input input, Shard shard)
    {
        if (isTaking)
        {
            waiting.Enqueue(input);
            return;
        }
        isTaking = true;
        One(now, input, shard);
        while (waiting.TryDequeue(out var next)) One(now, next, shard);
        isTaking = false;
    }

    private void One(Instant now, Input input, Shard shard)
    {
        try
        {
            var effects = ledger.Take(now, input);
            for (var i = 0; i < effects.Count; i++) Do(effects[i], shard);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            var (flow, bytes) = input switch
            {
                Input.Arrived arrived => (arrived.Flow, arrived.Bytes),
                Input.Handed handed => (handed.Flow, handed.Bytes),
                _ => (default, default),
            };
            log.Fault(fault, EndpointModule.print(flow.Remote), flow.Connection, Convert.ToBase64String(bytes.Span));
        }
    }

    // What another thread is told is handed in like anything from outside.
    private async Task AskAsync(Question question, Shard shard)
    {
        await Task.Yield();
        var told = await resolver.AskAsync(question, CancellationToken.None);
        shard.Post(() => Take(shard.Now, told, shard));
    }

    private void Do(Effect effect, Shard shard)
    {
        switch (effect)
        {
            case Effect.Send { To: Hop.Flow { Flow: var flow }, Bytes: var bytes }:
                shard.Send(flow, bytes.Span);
                break;
            case Effect.Send { To: Hop.Dial dial, Bytes: var bytes }:
                shard.Dial(dial, bytes);
                break;
            case Effect.Hand { Shard: var number, Flow: var flow, Bytes: var bytes }:
                shard.Hand(number, flow, bytes.Span);
                break;
            case Effect.Tell { Told: var told }:
                shard.Tell(told);
                break;
            case Effect.Ask { Question: var question }:
                _ = AskAsync(question, shard);
                break;
            case Effect.Note { Note: var note }:
                log.Noted(note);
                if (note is Note.Banned { Ban: var ban }) nftables?.Ban(ban);
                break;
            default:
                throw new InvalidOperationException($"Unknown effect {effect}");
        }
    }
}
