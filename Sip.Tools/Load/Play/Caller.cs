using System.Text;
using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>The caller: its requests, built from what came back (RFC 3261 section 12.2.1), and what it makes of responses.</summary>
internal sealed class Caller(Cast cast, Calls calls, Links links, Timers timers, byte[] body)
{
    private const int answered = 1;
    private readonly LoadOptions options = cast.Options;
    private readonly byte[] server = Encoding.ASCII.GetBytes($"sip:{cast.Options.Domain}");
    private readonly Byes byes = new(cast, calls, links, timers);

    /// <summary>Begins an operation that was to begin at this time.</summary>
    public bool Begin(long intended)
    {
        var index = calls.Begin(intended);
        if (index < 0) return false;
        ref var call = ref calls[index];
        call.Stage = options.Operation == Scenario.Call ? CallerStage.Inviting : CallerStage.Asking;
        timers.Set(index, call.Generation, Due.GiveUp, options.Timeout);
        SendNew(index);
        return true;
    }

    /// <summary>A response came that belongs to an operation under way.</summary>
    public void Answered(Link link, ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        var method = message[message.CSeqMethod];
        if (method.SequenceEqual("INVITE"u8)) ToInvite(link, ref message, index);
        else if (method.SequenceEqual("BYE"u8)) byes.Answered(link, ref message, index);
        else if (call.Stage == CallerStage.Asking && message.Sequence == call.Sequence && !method.SequenceEqual("ACK"u8)) ToOther(link, ref message, index);
        else if (message.Status >= 200) calls.Tally.Stray++;
    }

    /// <summary>A timer of an operation is due.</summary>
    public void Happens(Timer timer)
    {
        ref var call = ref calls[timer.Index];
        switch (timer.Due)
        {
            // Who is answered has as long again to end the call.
            case Due.GiveUp when timer.Step == answered || call.Stage is not (CallerStage.Talking or CallerStage.Ending):
                calls.End(timer.Index, -1);
                break;
            case Due.HangUp when call.Stage == CallerStage.Talking:
                byes.Send(timer.Index, options.CalleeEnds);
                break;
            case Due.RepeatBye:
                byes.Repeat(timer);
                break;
            // Proceeding stops Timer A; other requests go on at T2 (RFC 3261 section 17.1).
            case Due.RepeatRequest when call.Stage is CallerStage.Inviting or CallerStage.Asking && timer.Step == (byte)call.Sequence:
                if (call.IsMeasured) calls.Tally.Repeated++;
                Send(timer.Index);
                call.Repeats++;
                timers.Set(timer.Index, timer.Generation, Due.RepeatRequest, Math.Min(500 << call.Repeats, call.Stage == CallerStage.Inviting ? 16_000 : 4000), timer.Step);
                break;
            default:
                break;
        }
    }

    /// <summary>The callee has seen the ACK, and is the one to end the call.</summary>
    public void EndByCallee(int index)
    {
        ref var call = ref calls[index];
        if (options.Talk > 0) timers.Set(index, call.Generation, Due.HangUp, options.Talk);
        else byes.Send(index, true);
    }

    private void ToInvite(Link link, ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        if (message.Sequence != call.Sequence)
        {
            calls.Tally.Stray++;
            return;
        }
        Check(link, ref message, index, (byte)'I');
        var waits = call.Stage is CallerStage.Inviting or CallerStage.Proceeding;
        if (message.Status < 200)
        {
            if (call.Stage == CallerStage.Inviting) call.Stage = CallerStage.Proceeding;
            if (message.Status != 180 || call.HasRung) return;
            call.HasRung = true;
            if (call.IsMeasured) calls.Tally.Ringing.Add(Time.Now - call.Intended);
        }
        else if (message.Status >= 300)
        {
            SendAckOfRefusal(ref message, index);
            if (!waits) return;
            if (Sign(ref message, index)) call.Stage = CallerStage.Inviting;
            else calls.End(index, message.Status);
        }
        else if (waits)
        {
            Establish(ref message, index);
        }
        else
        {
            if (call.IsMeasured) calls.Tally.Repeated++;
            SendAck(index);
        }
    }

    private void Establish(ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        if (call.IsMeasured) calls.Tally.Answered.Add(Time.Now - call.Intended);
        calls.Tally.BadRoute += RouteSet.Backwards(ref message, ref call.Route);
        call.Target.Set(Values.Uri(message[message.Contact]));
        call.To.Set(message[message.To]);
        if (call.Target.IsEmpty)
        {
            calls.End(index, 0);
            return;
        }
        call.Stage = CallerStage.Talking;
        timers.Set(index, call.Generation, Due.GiveUp, options.Talk + options.Timeout, answered);
        SendAck(index);
        if (options.CalleeEnds) return;
        if (options.Talk > 0) timers.Set(index, call.Generation, Due.HangUp, options.Talk);
        else byes.Send(index, false);
    }

    private void ToOther(Link link, ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        Check(link, ref message, index, Kind);
        if (message.Status < 200) return;
        if (message.Status >= 300)
        {
            if (!Sign(ref message, index)) calls.End(index, message.Status);
            return;
        }
        if (call.IsMeasured) calls.Tally.Request.Add(Time.Now - call.Intended);
        calls.End(index, message.Status);
    }

    private void Check(Link link, ref Incoming message, int index, byte kind)
    {
        if (cast.Users[calls[index].Caller].Link != link) calls.Tally.Misrouted++;
        if (!calls.IsOurs(ref message, index, kind)) calls.Tally.BadVia++;
    }

    private bool Sign(ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        if (options.Password is not { } password || message.Status is not (401 or 407) || call.IsSigned) return false;
        var login = cast.Users[call.Caller].Login ??= new Login();
        if (!login.Take(ref message, options.Answering, cast.Number(call.Caller), password)) return false;
        if (call.IsMeasured) calls.Tally.Challenged++;
        if (Kind == 'O') cast.Writer.Begin().Put(server);
        else cast.Aor(cast.Writer.Begin(), call.Callee);
        login.Sign(cast.Part, cast.Number(call.Caller), message[message.CSeqMethod], cast.Writer.Written, (uint)cast.Random.Next());
        call.Signature.Set(login.Header.Span);
        call.IsSigned = true;
        call.Sequence++;
        SendNew(index);
        return true;
    }

    private byte Kind => options.Operation switch
    {
        Scenario.Call => (byte)'I',
        Scenario.Message => (byte)'M',
        _ => (byte)'O',
    };

    private void SendNew(int index)
    {
        ref var call = ref calls[index];
        Send(index);
        if (cast.IsLossy(call.Caller)) timers.Set(index, call.Generation, Due.RepeatRequest, 500, (byte)call.Sequence);
    }

    private void Send(int index)
    {
        ref var call = ref calls[index];
        var method = Kind == 'I' ? "INVITE"u8 : Kind == 'M' ? "MESSAGE"u8 : "OPTIONS"u8;
        var toServer = Kind == 'O';
        var o = cast.Writer.Begin().Put(method).Put(" "u8);
        Callee(o, ref call, toServer).Put(" SIP/2.0\r\n"u8);
        calls.Branch(cast.Via(o, call.Caller), index, call.Sequence, Kind);
        From(o.Put("\r\nMax-Forwards: 70\r\n"u8), index).Put("\r\nTo: <"u8);
        Callee(o, ref call, toServer).Put(">\r\nCall-ID: "u8);
        calls.CallId(o, index).Put("\r\nCSeq: "u8).Number(call.Sequence).Put(" "u8).Put(method).Put("\r\n"u8);
        if (Kind == 'I') cast.Contact(o.Put("Contact: "u8), call.Caller).Put("\r\nAllow: INVITE, ACK, CANCEL, OPTIONS, BYE, MESSAGE\r\nSupported: outbound\r\n"u8);
        o.Put(call.Signature.Span).Put("User-Agent: sip load\r\n"u8);
        if (Kind == 'I') Bodies.Put(o, "application/sdp"u8, body);
        else if (Kind == 'M') Bodies.Put(o, "text/plain"u8, "The quick brown fox jumps over the lazy dog."u8);
        else o.Put("Accept: application/sdp\r\nContent-Length: 0\r\n\r\n"u8);
        links.Send(cast.Users[call.Caller].Link, o.Written);
    }

    private Outgoing Callee(Outgoing o, ref Call call, bool toServer) => toServer ? o.Put(server) : cast.Aor(o, call.Callee);

    private Outgoing From(Outgoing o, int index) => cast.Aor(o.Put("From: <"u8), calls[index].Caller).Put(">;tag=f"u8).Hex((uint)index);

    private void SendAck(int index)
    {
        ref var call = ref calls[index];
        var o = cast.Writer.Begin().Put("ACK "u8).Put(call.Target.Span).Put(" SIP/2.0\r\n"u8);
        calls.Branch(cast.Via(o, call.Caller), index, call.Sequence, (byte)'A').Put("\r\n"u8).Put(call.Route.Span);
        From(o.Put("Max-Forwards: 70\r\n"u8), index).Put("\r\nTo: "u8).Put(call.To.Span).Put("\r\nCall-ID: "u8);
        calls.CallId(o, index).Put("\r\nCSeq: "u8).Number(call.Sequence).Put(" ACK\r\nContent-Length: 0\r\n\r\n"u8);
        links.Send(cast.Users[call.Caller].Link, o.Written);
    }

    // RFC 3261 section 17.1.1.3: the branch, the URI and From are those of the INVITE, To is the response's.
    private void SendAckOfRefusal(ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        var o = cast.Aor(cast.Writer.Begin().Put("ACK "u8), call.Callee).Put(" SIP/2.0\r\n"u8);
        calls.Branch(cast.Via(o, call.Caller), index, message.Sequence, (byte)'I').Put("\r\nMax-Forwards: 70\r\n"u8);
        From(o, index).Put("\r\nTo: "u8).Put(message[message.To]).Put("\r\nCall-ID: "u8);
        calls.CallId(o, index).Put("\r\nCSeq: "u8).Number(message.Sequence).Put(" ACK\r\nContent-Length: 0\r\n\r\n"u8);
        links.Send(cast.Users[call.Caller].Link, o.Written);
    }
}
