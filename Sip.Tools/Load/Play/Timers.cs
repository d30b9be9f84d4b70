namespace Sip.Tools.Load.Play;

/// <summary>What is to happen.</summary>
internal enum Due : byte { RepeatRequest, GiveUp, Answer, HangUp, RepeatAnswer, RepeatBye, RepeatRegister, GiveUpRegister, Dribble }

/// <summary>Something that is to happen to an entry of a table, unless that has become another one's by then.</summary>
internal readonly record struct Timer(int Index, uint Generation, Due Due, byte Step);

/// <summary>A wheel of milliseconds: setting a timer is writing to an array, clearing one is ignoring it.</summary>
internal sealed class Timers
{
    /// <summary>The longest that a timer may run, in milliseconds.</summary>
    public const int Longest = 16_000;
    private const int size = 16_384;
    private readonly Timer[][] slots = new Timer[size][];
    private readonly int[] counts = new int[size];
    private Timer[] passing = [];
    private long reached = Time.Now / 1000;

    /// <summary>Sets a timer.</summary>
    public void Set(int index, uint generation, Due due, int milliseconds, int step = 0)
    {
        var slot = (int)((Time.Now / 1000 + Math.Clamp(milliseconds, 1, Longest)) & (size - 1));
        ref var entries = ref slots[slot];
        entries ??= new Timer[8];
        if (counts[slot] == entries.Length) Array.Resize(ref entries, entries.Length * 2);
        entries[counts[slot]++] = new Timer(index, generation, due, (byte)step);
    }

    /// <summary>Hands out what is due.</summary>
    public void Advance(Action<Timer> happens)
    {
        var now = Time.Now / 1000;
        reached = Math.Max(reached, now - size + 1);
        while (reached < now)
        {
            var slot = (int)(++reached & (size - 1));
            var count = counts[slot];
            if (count == 0) continue;
            // What is set meanwhile goes into another array.
            (passing, slots[slot], counts[slot]) = (slots[slot], passing.Length > 0 ? passing : new Timer[8], 0);
            for (var i = 0; i < count; i++) happens(passing[i]);
        }
    }
}
