using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>The end of a call, by either side, each from its own half of the dialog (RFC 3261 section 15.1.1).</summary>
internal sealed class Byes(Cast cast, Calls calls, Links links, Timers timers)
{
    /// <summary>Sends a BYE.</summary>
    public void Send(int index, bool byCallee)
    {
        ref var call = ref calls[index];
        call.ByeFrom = byCallee ? call.Callee : call.Caller;
        call.ByeSequence = byCallee ? 1 : call.Sequence + 1;
        (call.Stage, call.ByeSent, call.Repeats) = (CallerStage.Ending, Time.Now, 0);
        Send(index);
        if (cast.IsLossy(call.ByeFrom)) timers.Set(index, call.Generation, Due.RepeatBye, 500);
    }

    /// <summary>Sends it again.</summary>
    public void Repeat(Timer timer)
    {
        ref var call = ref calls[timer.Index];
        if (call.Stage != CallerStage.Ending) return;
        if (call.IsMeasured) calls.Tally.Repeated++;
        Send(timer.Index);
        call.Repeats++;
        timers.Set(timer.Index, timer.Generation, Due.RepeatBye, Math.Min(500 << call.Repeats, 4000));
    }

    /// <summary>A response to a BYE came.</summary>
    public void Answered(Link link, ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        if (call.Stage != CallerStage.Ending || message.Sequence != call.ByeSequence)
        {
            if (message.Status >= 200) calls.Tally.Stray++;
            return;
        }
        if (cast.Users[call.ByeFrom].Link != link) calls.Tally.Misrouted++;
        if (!calls.IsOurs(ref message, index, (byte)'B')) calls.Tally.BadVia++;
        if (message.Status < 200) return;
        if (message.Status == 200 && call.IsMeasured) calls.Tally.Ended.Add(Time.Now - call.ByeSent);
        calls.End(index, message.Status);
    }

    private void Send(int index)
    {
        ref var call = ref calls[index];
        var byCallee = call.ByeFrom == call.Callee;
        var o = cast.Writer.Begin().Put("BYE "u8).Put(byCallee ? call.CalleeTarget.Span : call.Target.Span).Put(" SIP/2.0\r\n"u8);
        calls.Branch(cast.Via(o, call.ByeFrom), index, call.ByeSequence, (byte)'B').Put("\r\n"u8).Put(byCallee ? call.CalleeRoute.Span : call.Route.Span);
        o.Put("Max-Forwards: 70\r\nFrom: "u8);
        if (byCallee) o.Put(call.CalleeFrom.Span);
        else cast.Aor(o.Put("<"u8), call.Caller).Put(">;tag=f"u8).Hex((uint)index);
        o.Put("\r\nTo: "u8).Put(byCallee ? call.CalleeTo.Span : call.To.Span).Put("\r\nCall-ID: "u8);
        calls.CallId(o, index).Put("\r\nCSeq: "u8).Number(call.ByeSequence).Put(" BYE\r\nContent-Length: 0\r\n\r\n"u8);
        links.Send(cast.Users[call.ByeFrom].Link, o.Written);
    }
}
