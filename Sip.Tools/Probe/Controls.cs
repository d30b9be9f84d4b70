using Sip.Wire;

namespace Sip.Tools.Probe;

/// <summary>What a server makes of control frames, of closing and of a client that breaks the rules (RFC 6455 sections 5.1, 5.5, 7).</summary>
internal sealed class Controls(Findings findings)
{
    /// <summary>A ping is to be answered by a pong with the same payload.</summary>
    public void AskPing(Session session)
    {
        findings.Head("Ping");
        session.Frame(Opcode.Ping, "are you there?"u8);
        var heard = session.Hear();
        findings.Judge(
            heard is Heard.Pong { Payload: var payload } && payload.AsSpan().SequenceEqual("are you there?"u8),
            "a pong with the same payload", $"no pong with the same payload: {Questions.Words(heard)}");
    }

    /// <summary>A close is to be answered by a close, and then the connection ends.</summary>
    public void AskClose(Session session)
    {
        findings.Head("Close");
        session.Frame(Opcode.Close, [1000 >> 8, 1000 & 255]);
        var heard = session.Hear();
        findings.Judge(heard is Heard.Close { Code: 1000 or 1005 }, $"close 1000: {Questions.Words(heard)}", $"close 1000: {Questions.Words(heard)}");
        if (heard is not Heard.Close) return;
        var end = session.Hear();
        findings.Judge(end is Heard.End, "and ends the connection", $"and does not end the connection: {Questions.Words(end)}");
    }

    /// <summary>A client's frame without a mask is to end the connection, with close code 1002.</summary>
    public void AskWithoutMask(Session session)
    {
        findings.Head("A frame without a mask");
        session.Raw([0x81, 0x01, (byte)'x']);
        var heard = session.Hear();
        findings.Judge(heard is Heard.Close { Code: 1002 } or Heard.End, Questions.Words(heard), Questions.Words(heard));
    }
}
