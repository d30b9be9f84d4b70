using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>The table of operations under way: beginning and ending them, finding the one that a message belongs to.</summary>
internal sealed class Calls
{
    private readonly Call[] all;
    private readonly Stack<int> free;
    private readonly Cast cast;
    private readonly Scenario operation;
    private int next;

    /// <summary>Room for so many at a time.</summary>
    public Calls(Cast cast, int room)
    {
        (this.cast, operation) = (cast, cast.Options.Operation);
        all = new Call[room];
        free = new Stack<int>(Enumerable.Range(0, room).Reverse());
    }

    /// <summary>What became of those of the window.</summary>
    public Tally Tally { get; private set; } = new();

    /// <summary>Whether what begins now belongs to the window.</summary>
    public bool IsMeasuring { get; private set; }

    /// <summary>How many are under way, and how many of those belong to the window.</summary>
    public int Running { get; private set; }
    public int Measured { get; private set; }

    /// <summary>How many ended well since the beginning.</summary>
    public long Done { get; private set; }

    /// <summary>Told when one ended.</summary>
    public Action? Ended;

    /// <summary>The operation at this place.</summary>
    public ref Call this[int index] => ref all[index];

    /// <summary>From now on operations are counted, or no more.</summary>
    public void Measure(bool measuring)
    {
        IsMeasuring = measuring;
        if (measuring) Tally = new Tally();
    }

    /// <summary>A place for an operation that was to begin at this time; -1 when all are taken.</summary>
    public int Begin(long intended)
    {
        if (!free.TryPop(out var index))
        {
            if (IsMeasuring) Tally.NotStarted++;
            return -1;
        }
        ref var call = ref all[index];
        var pairs = cast.Options.Pairs;
        var pair = next++ % pairs;
        call.Generation++;
        (call.Caller, call.Callee) = (pair, operation == Scenario.Options ? pair : pairs + pair);
        (call.Sequence, call.Repeats, call.Answer, call.IsSigned, call.HasRung) = (1, 0, CalleeStage.Waiting, false, false);
        (call.Intended, call.IsMeasured) = (intended, IsMeasuring);
        call.Signature.Set(default);
        Running++;
        if (!IsMeasuring) return index;
        Measured++;
        Tally.Started++;
        return index;
    }

    /// <summary>An operation ended: with a status, with -1 for no answer in time, with 0 for an answer that cannot be used.</summary>
    public void End(int index, int status)
    {
        ref var call = ref all[index];
        if (call.Stage == CallerStage.Free) return;
        if (status is >= 200 and < 300) Done++;
        if (call.IsMeasured)
        {
            Measured--;
            if (status is >= 200 and < 300) Tally.Done++;
            else if (status < 0) Tally.TimedOut++;
            else Tally.Refused[status]++;
        }
        call.Stage = CallerStage.Free;
        Running--;
        free.Push(index);
        Ended?.Invoke();
    }

    /// <summary>Writes the Call-ID.</summary>
    public Outgoing CallId(Outgoing o, int index) => o.Put("c"u8).Hex((uint)index).Hex(all[index].Generation).Put("-"u8).Put(cast.RunText);

    /// <summary>Writes the branch behind its magic cookie.</summary>
    public Outgoing Branch(Outgoing o, int index, uint sequence, byte kind) =>
        o.Hex((uint)index).Hex(all[index].Generation).Put("."u8).Number(sequence).Put([kind]).Put(cast.RunText);

    /// <summary>The place that a Call-ID names, -1 when it is none of ours; whether that operation is still under way.</summary>
    public int Find(ReadOnlySpan<byte> callId, out bool isLive)
    {
        isLive = false;
        if (callId.Length != 26 || callId[0] != 'c' || !callId[18..].SequenceEqual(cast.RunText)) return -1;
        if (!Hexadecimal.Read(callId.Slice(1, 8), out var index) || !Hexadecimal.Read(callId.Slice(9, 8), out var generation) || index >= all.Length) return -1;
        isLive = all[index].Generation == generation && all[index].Stage != CallerStage.Free;
        return (int)index;
    }

    /// <summary>Whether a response's only Via is the one that was sent.</summary>
    public bool IsOurs(ref Incoming message, int index, byte kind)
    {
        if (message.ViaCount != 1) return false;
        Branch(cast.Part.Begin().Put("z9hG4bK"u8), index, message.Sequence, kind);
        return message[message.Vias[0]].IndexOf(cast.Part.Written) >= 0;
    }
}
