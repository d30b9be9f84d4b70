using System.Text;
using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>Bodies of messages.</summary>
internal static class Bodies
{
    /// <summary>An offer of SDP, filled up to so many bytes with attributes that nobody knows.</summary>
    public static byte[] Sdp(int size)
    {
        var text = new StringBuilder("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n");
        while (text.Length + 12 <= size) text.Append("a=x-fill:").Append('f', Math.Min(60, size - text.Length - 11)).Append("\r\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>Writes the last header fields and the body.</summary>
    public static void Put(Outgoing o, ReadOnlySpan<byte> type, ReadOnlySpan<byte> body) =>
        o.Put("Content-Type: "u8).Put(type).Put("\r\nContent-Length: "u8).Number(body.Length).Put("\r\n\r\n"u8).Put(body);
}
