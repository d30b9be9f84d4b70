using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>The callee: it rings, answers and hangs up, and knows only what the requests say (RFC 3261 section 13.3).</summary>
internal sealed class Callee(Cast cast, Calls calls, Links links, Timers timers, Caller caller, byte[] body)
{
    private readonly LoadOptions options = cast.Options;

    /// <summary>A request came; its Call-ID names a place, or -1.</summary>
    public void Asked(Link link, ref Incoming message, int index, bool isLive)
    {
        var method = message[message.Method];
        if (!isLive) ToNothing(link, ref message);
        else if (method.SequenceEqual("INVITE"u8)) ToInvite(link, ref message, index);
        else if (method.SequenceEqual("ACK"u8)) ToAck(link, ref message, index);
        else if (method.SequenceEqual("BYE"u8)) ToBye(link, ref message, index);
        else if (method.SequenceEqual("MESSAGE"u8)) ToMessage(link, ref message, index);
        else ToNothing(link, ref message);
    }

    /// <summary>A timer of a call is due.</summary>
    public void Happens(Timer timer)
    {
        ref var call = ref calls[timer.Index];
        if (timer.Due == Due.Answer && call.Answer == CalleeStage.Ringing)
        {
            SendFinal(timer.Index);
        }
        else if (timer.Due == Due.RepeatAnswer && call.Answer == CalleeStage.Answered)
        {
            // A 2xx is repeated over every transport until its ACK comes (section 13.3.1.4).
            if (call.IsMeasured) calls.Tally.Repeated++;
            links.Send(cast.Users[call.Callee].Link, call.Final.Span);
            timers.Set(timer.Index, timer.Generation, Due.RepeatAnswer, Math.Min(500 << (timer.Step + 1), 4000), Math.Min(timer.Step + 1, 6));
        }
    }

    private void ToInvite(Link link, ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        Check(link, ref message, call.Callee);
        if (call.Answer != CalleeStage.Waiting && call.IsMeasured) calls.Tally.Repeated++;
        if (call.Answer >= CalleeStage.Answered)
        {
            links.Send(link, call.Final.Span);
            return;
        }
        if (call.Answer == CalleeStage.Waiting) Enter(ref message, index);
        links.Send(link, Respond(ref message, "180 Ringing"u8, index, call.Callee, false));
        if (call.Answer != CalleeStage.Waiting) return;
        call.Answer = CalleeStage.Ringing;
        if (options.Ring > 0) timers.Set(index, call.Generation, Due.Answer, options.Ring);
        else SendFinal(index);
    }

    private void Enter(ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        call.Final.Set(Respond(ref message, "200 OK"u8, index, call.Callee, true));
        calls.Tally.BadRoute += RouteSet.Forwards(ref message, ref call.CalleeRoute);
        call.CalleeTarget.Set(Values.Uri(message[message.Contact]));
        call.CalleeTo.Set(message[message.From]);
        call.CalleeFrom.Set(message[message.To]);
        call.CalleeFrom.Add(cast.Part.Begin().Put(";tag=t"u8).Hex((uint)index).Written);
    }

    private void SendFinal(int index)
    {
        ref var call = ref calls[index];
        call.Answer = CalleeStage.Answered;
        links.Send(cast.Users[call.Callee].Link, call.Final.Span);
        timers.Set(index, call.Generation, Due.RepeatAnswer, 500);
    }

    private void ToAck(Link link, ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        Check(link, ref message, call.Callee);
        if (call.Answer != CalleeStage.Answered) return;
        call.Answer = CalleeStage.Confirmed;
        if (options.CalleeEnds) caller.EndByCallee(index);
    }

    private void ToBye(Link link, ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        Check(link, ref message, options.CalleeEnds ? call.Caller : call.Callee);
        if (call.Answer == CalleeStage.Ended && call.IsMeasured) calls.Tally.Repeated++;
        call.Answer = CalleeStage.Ended;
        links.Send(link, Respond(ref message, "200 OK"u8, index, -1, false));
    }

    private void ToMessage(Link link, ref Incoming message, int index)
    {
        ref var call = ref calls[index];
        Check(link, ref message, call.Callee);
        if (call.Answer != CalleeStage.Waiting && call.IsMeasured) calls.Tally.Repeated++;
        call.Answer = CalleeStage.Confirmed;
        links.Send(link, Respond(ref message, "200 OK"u8, index, -1, false));
    }

    private void ToNothing(Link link, ref Incoming message)
    {
        var method = message[message.Method];
        if (method.SequenceEqual("ACK"u8)) return;
        if (method.SequenceEqual("OPTIONS"u8))
        {
            links.Send(link, Respond(ref message, "200 OK"u8, 0, -1, false));
            return;
        }
        if (!method.SequenceEqual("CANCEL"u8)) calls.Tally.Stray++;
        links.Send(link, Respond(ref message, "481 Call/Transaction Does Not Exist"u8, 0, -1, false));
    }

    private void Check(Link link, ref Incoming message, int user)
    {
        if (cast.Users[user].Link != link) calls.Tally.Misrouted++;
        if (!cast.IsContact(message[message.Uri], user)) calls.Tally.BadUri++;
    }

    private ReadOnlySpan<byte> Respond(ref Incoming message, ReadOnlySpan<byte> status, int index, int contact, bool withBody)
    {
        var o = cast.Writer.Begin().Put("SIP/2.0 "u8).Put(status).Put("\r\n"u8);
        for (var i = 0; i < message.ViaCount; i++) o.Put("Via: "u8).Put(message[message.Vias[i]]).Put("\r\n"u8);
        for (var i = 0; contact >= 0 && i < message.RouteCount; i++) o.Put("Record-Route: "u8).Put(message[message.Routes[i]]).Put("\r\n"u8);
        o.Put("From: "u8).Put(message[message.From]).Put("\r\nTo: "u8).Put(message[message.To]);
        if (!Values.HasTag(message[message.To])) o.Put(";tag=t"u8).Hex((uint)index);
        o.Put("\r\nCall-ID: "u8).Put(message[message.CallId]).Put("\r\nCSeq: "u8).Put(message[message.CSeq]).Put("\r\n"u8);
        if (contact >= 0) cast.Contact(o.Put("Contact: "u8), contact).Put("\r\n"u8);
        if (withBody) Bodies.Put(o, "application/sdp"u8, body);
        else o.Put("Content-Length: 0\r\n\r\n"u8);
        return o.Written;
    }
}
