using System.Security.Cryptography;
using Sip.Wire;

namespace Sip.Tools.Probe;

/// <summary>What came from the server.</summary>
internal abstract record Heard
{
    /// <summary>A SIP message, or what should be one.</summary>
    public sealed record Text(byte[] Bytes, bool IsBinary) : Heard;

    /// <summary>A keep-alive's answer.</summary>
    public sealed record KeepAlive : Heard;

    /// <summary>A pong.</summary>
    public sealed record Pong(byte[] Payload) : Heard;

    /// <summary>A close frame: its code, 1005 without one, and its reason.</summary>
    public sealed record Close(int Code, string Reason) : Heard;

    /// <summary>The connection is closed.</summary>
    public sealed record End : Heard;

    /// <summary>Nothing, in the time that was given.</summary>
    public sealed record Silence : Heard;

    /// <summary>Bytes that break the rules.</summary>
    public sealed record Broken(string Reason) : Heard;
}

/// <summary>SIP with one server, over whatever carries it: messages in frames, in a stream or in datagrams.</summary>
internal sealed class Session(Wire wire, Transport transport, byte[] rest)
{
    private readonly bool isWebSocket = TransportModule.isWebSocket(transport);
    private byte[] kept = rest;

    /// <summary>Sends a message.</summary>
    public void Send(ReadOnlySpan<byte> message, bool binary = false)
    {
        if (isWebSocket) Frame(binary ? Opcode.Binary : Opcode.Text, message);
        else wire.Send(message);
    }

    /// <summary>Sends a frame.</summary>
    public void Frame(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[ClientFrames.headLength(payload.Length) + payload.Length];
        ClientFrames.write(opcode, (uint)RandomNumberGenerator.GetInt32(int.MaxValue), payload, frame);
        wire.Send(frame);
    }

    /// <summary>Sends bytes as they are.</summary>
    public void Raw(ReadOnlySpan<byte> bytes) => wire.Send(bytes);

    /// <summary>The next thing that comes; pings are answered meanwhile.</summary>
    public Heard Hear()
    {
        var buffer = new byte[65536];
        while (true)
        {
            if (Next() is { } heard) return heard;
            var count = wire.Receive(buffer);
            if (count < 0) return new Heard.Silence();
            if (count == 0 && !transport.IsUdp) return new Heard.End();
            kept = [.. kept, .. buffer.AsSpan(0, count)];
        }
    }

    private Heard? Next() => kept.Length == 0 ? null : isWebSocket ? NextFrame() : transport.IsUdp ? Datagram() : NextOfStream();

    private Heard Datagram()
    {
        var all = Take(kept.Length);
        return all.AsSpan().SequenceEqual("\r\n"u8) ? new Heard.KeepAlive() : new Heard.Text(all, false);
    }

    private Heard? NextOfStream()
    {
        // A lone CRLF may be the beginning of a double one; from a server it is the answer to ours.
        if (kept.AsSpan().SequenceEqual("\r\n"u8))
        {
            Take(2);
            return new Heard.KeepAlive();
        }
        var framed = Framing.next(LimitsModule.usual, kept, 0);
        switch (framed.Item.Tag)
        {
            case FramingItem.Tags.More:
                return null;
            case FramingItem.Tags.Skip or FramingItem.Tags.Ping:
                Take(framed.Length);
                return new Heard.KeepAlive();
            case FramingItem.Tags.Whole:
                return new Heard.Text(Take(framed.Length), false);
            default:
                return new Heard.Broken(framed.Reason);
        }
    }

    private Heard? NextFrame()
    {
        var head = ClientFrames.read(kept);
        if (head.Reading.IsBroken) return new Heard.Broken(head.Reason);
        if (head.Reading.IsPartial || kept.Length < head.HeadLength + head.Length) return null;
        var payload = Take(head.HeadLength + head.Length)[head.HeadLength..];
        switch (head.Opcode.Tag)
        {
            case Opcode.Tags.Ping:
                Frame(Opcode.Pong, payload);
                return Next();
            case Opcode.Tags.Pong:
                return new Heard.Pong(payload);
            case Opcode.Tags.Close:
                return payload.Length < 2 ? new Heard.Close(1005, "") : new Heard.Close(payload[0] << 8 | payload[1], System.Text.Encoding.UTF8.GetString(payload.AsSpan(2)));
            default:
                return payload.AsSpan().SequenceEqual("\r\n"u8) ? new Heard.KeepAlive() : new Heard.Text(payload, head.Opcode.IsBinary);
        }
    }

    private byte[] Take(int count)
    {
        var taken = kept[..count];
        kept = kept[count..];
        return taken;
    }
}
