using System.Buffers;

namespace Sip.Server.Portable;

/// <summary>The bytes of a message that has not arrived whole; an idle connection keeps none.</summary>
public sealed class Remainder
{
    private byte[] buffer = [];
    private int start;
    private int end;

    /// <summary>What was kept and what came, in one piece.</summary>
    public Memory<byte> With(ReadOnlySequence<byte> came)
    {
        var kept = end - start;
        var whole = checked(kept + (int)came.Length);
        if (whole > buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(whole);
            buffer.AsSpan(start, kept).CopyTo(larger);
            Return();
            buffer = larger;
        }
        else
        {
            buffer.AsSpan(start, kept).CopyTo(buffer);
        }
        came.CopyTo(buffer.AsSpan(kept));
        (start, end) = (0, whole);
        return buffer.AsMemory(0, whole);
    }

    /// <summary>Keeps what is left behind so many bytes.</summary>
    public void Keep(int consumed)
    {
        start = consumed;
        if (start < end) return;
        Return();
        (buffer, start, end) = ([], 0, 0);
    }

    private void Return()
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
    }
}
