using System.Numerics;

namespace Sip.Tools.Load;

/// <summary>How often which latency occurred: buckets that are a 128th of their value wide, so that no percentile is more than 0.8 % off.</summary>
public sealed class Histogram
{
    private const int bits = 7;
    private const int perOctave = 1 << bits;
    private readonly long[] counts = new long[(64 - bits) * perOctave];

    /// <summary>How many values there are.</summary>
    public long Count { get; private set; }

    /// <summary>The largest.</summary>
    public long Maximum { get; private set; }

    /// <summary>Counts a value; what is below 0 counts as 0.</summary>
    public void Add(long value)
    {
        value = Math.Max(value, 0);
        counts[Bucket(value)]++;
        Count++;
        Maximum = Math.Max(Maximum, value);
    }

    /// <summary>A value that this share of all values (0 to 100) does not exceed, and the smallest such one but for its bucket's width; 0 when there are none.</summary>
    public long Percentile(double share)
    {
        var wanted = Math.Max(1, (long)Math.Ceiling(Count * share / 100));
        long seen = 0;
        for (var bucket = 0; bucket < counts.Length && Count > 0; bucket++)
        {
            seen += counts[bucket];
            if (seen >= wanted) return Math.Min(Largest(bucket), Maximum);
        }
        return 0;
    }

    /// <summary>Forgets all values.</summary>
    public void Clear()
    {
        Array.Clear(counts);
        (Count, Maximum) = (0, 0);
    }

    private static int Bucket(long value)
    {
        var octave = Math.Max(0, BitOperations.Log2((ulong)value) - bits);
        return octave * perOctave + (int)(value >> octave);
    }

    // Above the first two octaves a bucket's index holds its leading bits, the topmost of which is always set.
    private static long Largest(int bucket)
    {
        if (bucket < 2 * perOctave) return bucket;
        var octave = bucket / perOctave - 1;
        return ((long)(bucket - octave * perOctave + 1) << octave) - 1;
    }
}
