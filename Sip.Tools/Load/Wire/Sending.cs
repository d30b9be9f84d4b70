using Sip.Server.Reactor;
using Sip.Wire;

namespace Sip.Tools.Load.Wire;

/// <summary>What is written on links. It gathers until the turn ends, so that a link costs one system call a turn.</summary>
internal sealed unsafe class Sending(Links links, Random random)
{
    private readonly BufferPool pool = new();
    private readonly List<Link> touched = [];
    private ulong masks = (ulong)random.NextInt64() | 1;

    /// <summary>Writes a frame with a mask of its own (RFC 6455 section 5.3).</summary>
    public void Frame(Link link, Opcode opcode, ReadOnlySpan<byte> payload)
    {
        var room = Room(link, ClientFrames.headLength(payload.Length) + payload.Length);
        link.WaitingEnd += ClientFrames.write(opcode, Mask(), payload, room);
        Touch(link);
    }

    /// <summary>Writes bytes as they are.</summary>
    public void Write(Link link, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room(link, bytes.Length));
        link.WaitingEnd += bytes.Length;
        Touch(link);
    }

    /// <summary>Has the link looked at when the turn ends.</summary>
    public void Touch(Link link)
    {
        if (link.IsTouched) return;
        link.IsTouched = true;
        touched.Add(link);
    }

    /// <summary>Sends what waits.</summary>
    public void Flush()
    {
        // Losing one may touch others, which then stand behind it.
        for (var i = 0; i < touched.Count; i++)
        {
            var link = touched[i];
            link.IsTouched = false;
            if (link.Datagrams is { } datagrams) datagrams.Flush();
            else if (link.Stage >= LinkStage.Asking) Push(link);
        }
        touched.Clear();
    }

    /// <summary>Forgets what waits on a link.</summary>
    public void Drop(Link link)
    {
        if (link.Waiting is { } waiting) pool.Return(waiting);
        (link.Waiting, link.WaitingStart, link.WaitingEnd) = (null, 0, 0);
    }

    private Span<byte> Room(Link link, int size)
    {
        if (link.Waiting is not { } waiting) link.Waiting = waiting = pool.Rent(size);
        else if (link.WaitingEnd + size > waiting.Length) link.Waiting = waiting = pool.Enlarge(waiting, link.WaitingEnd, link.WaitingEnd + size);
        return waiting.AsSpan(link.WaitingEnd);
    }

    private void Push(Link link)
    {
        while (link.WaitingStart < link.WaitingEnd)
        {
            Moved moved;
            int count;
            fixed (byte* at = &link.Waiting![link.WaitingStart]) moved = Move(link, at, link.WaitingEnd - link.WaitingStart, out count);
            switch (moved)
            {
                case Moved.Some:
                    link.WaitingStart += count;
                    break;
                case Moved.WantsRead or Moved.WantsWrite:
                    links.Watch(link, moved == Moved.WantsWrite ? Libc.In | Libc.Out : Libc.In);
                    return;
                case Moved.End or Moved.Broken:
                    links.Fail(link, "the server closed the connection");
                    return;
                default:
                    throw new InvalidOperationException("Unknown outcome");
            }
        }
        Drop(link);
        links.Watch(link, Libc.In);
    }

    private static Moved Move(Link link, byte* bytes, int length, out int count)
    {
        if (link.Session != 0) return TlsSession.Write(link.Session, bytes, length, out count);
        count = (int)Libc.send(link.Descriptor, bytes, length, Libc.NoSignal | Libc.DontWait);
        if (count > 0) return Moved.Some;
        return Libc.Errno is Libc.Again or Libc.Interrupted ? Moved.WantsWrite : Moved.Broken;
    }

    // Masks need not be secret from the server, only different: xorshift.
    private uint Mask()
    {
        masks ^= masks << 13;
        masks ^= masks >> 7;
        masks ^= masks << 17;
        return (uint)masks;
    }
}
