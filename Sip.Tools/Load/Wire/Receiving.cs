using Sip.Server.Reactor;
using Sip.Wire;

namespace Sip.Tools.Load.Wire;

/// <summary>What is read from links: datagrams, and streams cut into messages by <see cref="Framing"/> or frames.</summary>
internal sealed unsafe class Receiving(Links links, Arrival arrived)
{
    private const int room = 128 << 10;
    private const int mostOfMessage = 64 << 10;
    private readonly byte[] common = GC.AllocateUninitializedArray<byte>(room, pinned: true);

    /// <summary>Reads what waits on a link.</summary>
    public void Read(Link link)
    {
        if (link.Datagrams is { } datagrams)
        {
            ReadDatagrams(link, datagrams);
            return;
        }
        while (link.Stage >= LinkStage.Asking)
        {
            var kept = link.Kept.Span;
            kept.CopyTo(common);
            var start = kept.Length;
            Moved moved;
            int count;
            fixed (byte* at = &common[start]) moved = Move(link, at, room - start, out count);
            if (moved is Moved.WantsRead or Moved.WantsWrite) return;
            if (moved is Moved.End or Moved.Broken)
            {
                links.Fail(link, moved == Moved.End || link.Session == 0 ? "the server closed the connection" : TlsSession.Words(link.Session));
                return;
            }
            Consume(link, start + count);
            if (link.Session == 0 && start + count < room) return;
        }
    }

    private void ReadDatagrams(Link link, Datagrams datagrams)
    {
        int count;
        do
        {
            count = datagrams.Receive(link.Descriptor);
            for (var i = 0; i < count; i++) Deliver(link, datagrams.Bytes(i).Span);
        } while (Datagrams.IsWhole(count));
    }

    private static Moved Move(Link link, byte* buffer, int length, out int count)
    {
        if (link.Session != 0) return TlsSession.Read(link.Session, buffer, length, out count);
        count = (int)Libc.recv(link.Descriptor, buffer, length, Libc.DontWait);
        if (count > 0) return Moved.Some;
        return count == 0 ? Moved.End : Libc.Errno is Libc.Again or Libc.Interrupted ? Moved.WantsRead : Moved.Broken;
    }

    private void Consume(Link link, int total)
    {
        var done = 0;
        for (var more = true; more && done < total && link.Stage >= LinkStage.Asking;)
        {
            var rest = common.AsSpan(done, total - done);
            var used = link.Stage == LinkStage.Asking ? Answer(link, rest) : link.IsWebSocket && !link.IsMute ? Frame(link, rest) : Message(link, rest);
            done += used;
            more = used > 0;
        }
        if (link.Stage < LinkStage.Asking) return;
        link.Kept.Set(common.AsSpan(done, total - done));
    }

    private int Answer(Link link, ReadOnlySpan<byte> bytes)
    {
        switch (ClientHandshake.receive(link.Ask!, bytes))
        {
            case HandshakeAnswer.Head { Flaws.IsEmpty: true } head:
                links.Begin(link);
                return head.HeadLength;
            case HandshakeAnswer.Head head:
                links.Fail(link, $"no WebSocket: {ClientHandshake.words(head.Flaws.Head)}");
                return 0;
            case { IsIncomplete: true }:
                return 0;
            default:
                links.Fail(link, "no WebSocket: the answer is not HTTP");
                return 0;
        }
    }

    private int Message(Link link, ReadOnlySpan<byte> bytes)
    {
        // A lone CRLF may be the beginning of a double one; from a server it is the answer to ours.
        if (link.Scanned == 0 && bytes.SequenceEqual("\r\n"u8))
        {
            links.Traffic.KeepAlives++;
            return 2;
        }
        var framed = Framing.next(LimitsModule.usual, bytes, link.Scanned);
        link.Scanned = framed.Scanned;
        switch (framed.Item.Tag)
        {
            case FramingItem.Tags.More:
                return 0;
            case FramingItem.Tags.Skip:
                links.Traffic.KeepAlives++;
                return framed.Length;
            case FramingItem.Tags.Ping:
                links.Write(link, "\r\n"u8);
                return framed.Length;
            case FramingItem.Tags.Whole:
                Deliver(link, bytes[..framed.Length]);
                return framed.Length;
            default:
                links.Traffic.ParseErrors++;
                links.Fail(link, $"no SIP: {framed.Reason}");
                return 0;
        }
    }

    private int Frame(Link link, ReadOnlySpan<byte> bytes)
    {
        var head = ClientFrames.read(bytes);
        if (head.Reading.IsBroken || head.Length > mostOfMessage)
        {
            links.Traffic.ParseErrors++;
            links.Fail(link, $"no WebSocket frame: {head.Reason}");
            return 0;
        }
        if (head.Reading.IsPartial || bytes.Length < head.HeadLength + head.Length) return 0;
        var payload = bytes.Slice(head.HeadLength, head.Length);
        switch (head.Opcode.Tag)
        {
            case Opcode.Tags.Text or Opcode.Tags.Binary when head.Fin:
                Deliver(link, payload);
                break;
            case Opcode.Tags.Text or Opcode.Tags.Binary or Opcode.Tags.Continuation:
                Assemble(link, head, payload);
                break;
            case Opcode.Tags.Ping:
                links.Traffic.Pings++;
                links.Control(link, Opcode.Pong, payload);
                break;
            case Opcode.Tags.Pong:
                break;
            case Opcode.Tags.Close:
                links.Fail(link, payload.Length < 2 ? "the server closed the WebSocket" : $"the server closed the WebSocket: {payload[0] << 8 | payload[1]}");
                return 0;
            default:
                throw new InvalidOperationException($"Unknown opcode {head.Opcode}");
        }
        return head.HeadLength + head.Length;
    }

    private void Assemble(Link link, FrameHead head, ReadOnlySpan<byte> payload)
    {
        if (AssemblyModule.admit(mostOfMessage, link.Fragments, head) is { Code: not 0 } no)
        {
            links.Traffic.ParseErrors++;
            links.Fail(link, no.Reason);
            return;
        }
        link.Fragments = AssemblyModule.add(link.Fragments, head, payload);
        if (!head.Fin) return;
        Deliver(link, AssemblyModule.join(link.Fragments));
        link.Fragments = AssemblyModule.none;
    }

    private void Deliver(Link link, ReadOnlySpan<byte> bytes)
    {
        if (bytes.SequenceEqual("\r\n"u8))
        {
            links.Traffic.KeepAlives++;
            return;
        }
        if (bytes.SequenceEqual("\r\n\r\n"u8))
        {
            links.Send(link, "\r\n"u8);
            return;
        }
        links.Traffic.Received++;
        if (Incoming.Read(bytes, out var message)) arrived(link, ref message);
        else links.Traffic.ParseErrors++;
    }
}
