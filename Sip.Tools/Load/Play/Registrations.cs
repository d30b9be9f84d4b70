using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>REGISTER, from the user's side (RFC 3261 section 10.2), signed when the server asks for it (section 22.2).</summary>
internal sealed class Registrations(Cast cast, Links links, Timers timers)
{
    private readonly byte[] uri = [.. "sip:"u8, .. cast.Domain];

    /// <summary>What became of them.</summary>
    public Tally Tally { get; private set; } = new();

    /// <summary>How many are under way.</summary>
    public int Busy { get; private set; }

    /// <summary>Begins to count anew.</summary>
    public void Restart() => Tally = new Tally();

    /// <summary>Begins a registration that was to begin at this time.</summary>
    public void Begin(int user, Purpose purpose, long intended)
    {
        ref var who = ref cast.Users[user];
        if (who.IsBusy) return;
        (who.IsBusy, who.Purpose, who.Challenges, who.Intended) = (true, purpose, 0, intended);
        who.Attempt++;
        who.Sequence++;
        Busy++;
        Tally.Started++;
        who.IsSigned = cast.Options.ReuseNonce && who.Login is { IsChallenged: true };
        if (who.IsSigned) Sign(user);
        timers.Set(user, who.Attempt, Due.GiveUpRegister, cast.Options.Timeout);
        SendNew(user);
    }

    /// <summary>A response came to a REGISTER.</summary>
    public void Answered(Link link, ref Incoming message)
    {
        var callId = message[message.CallId];
        if (callId.Length != 18 || !Hexadecimal.Read(callId.Slice(1, 8), out var index) || index >= cast.Users.Length || !callId[10..].SequenceEqual(cast.RunText))
        {
            Tally.Stray++;
            return;
        }
        var user = (int)index;
        ref var who = ref cast.Users[user];
        if (message.Status < 200) return;
        if (!who.IsBusy || message.Sequence != who.Sequence)
        {
            // What was sent twice may be answered twice (RFC 3261 section 17.1.2.2).
            if (who.Echoes > 0) who.Echoes--;
            else Tally.Stray++;
            return;
        }
        if (who.Link != link) Tally.Misrouted++;
        if (message.ViaCount != 1) Tally.BadVia++;
        if (message.Status is 401 or 407 && IsToBeAnswered(user, ref message)) return;
        // Who stays must be told its bindings.
        End(user, message.Status == 200 && who.Purpose == Purpose.Stay && message.Contact.Length == 0 ? 0 : message.Status);
    }

    /// <summary>A timer of a registration is due.</summary>
    public void Happens(Timer timer)
    {
        ref var who = ref cast.Users[timer.Index];
        if (!who.IsBusy) return;
        if (timer.Due == Due.GiveUpRegister && timer.Generation == who.Attempt) End(timer.Index, -1);
        if (timer.Due != Due.RepeatRegister || timer.Generation != who.Sequence) return;
        Tally.Repeated++;
        who.Echoes++;
        Send(timer.Index);
        timers.Set(timer.Index, who.Sequence, Due.RepeatRegister, Math.Min(500 << timer.Step, 4000), timer.Step + 1);
    }

    private bool IsToBeAnswered(int user, ref Incoming message)
    {
        ref var who = ref cast.Users[user];
        if (cast.Options.Password is not { } password || message.ChallengeCount == 0) return false;
        var stale = Text.same(Values.Parameter(message[message.Challenges[0]], "stale"u8), "true"u8);
        if (who.Challenges > (stale ? 1 : 0)) return false;
        who.Login ??= new Login();
        if (!who.Login.Take(ref message, cast.Options.Answering, cast.Number(user), password)) return false;
        Tally.Challenged++;
        who.Challenges++;
        who.Sequence++;
        who.IsSigned = true;
        Sign(user);
        SendNew(user);
        return true;
    }

    private void Sign(int user) => cast.Users[user].Login!.Sign(cast.Part, cast.Number(user), "REGISTER"u8, uri, (uint)cast.Random.Next());

    private void SendNew(int user)
    {
        Send(user);
        if (cast.IsLossy(user)) timers.Set(user, cast.Users[user].Sequence, Due.RepeatRegister, 500, 1);
    }

    private void Send(int user)
    {
        ref var who = ref cast.Users[user];
        var o = cast.Writer.Begin();
        o.Put("REGISTER "u8).Put(uri).Put(" SIP/2.0\r\n"u8);
        cast.Via(o, user).Hex((uint)user).Put("r"u8).Number(who.Sequence).Put(cast.RunText);
        cast.Aor(o.Put("\r\nMax-Forwards: 70\r\nFrom: <"u8), user).Put(">;tag=r"u8).Hex((uint)user);
        cast.Aor(o.Put("\r\nTo: <"u8), user).Put(">\r\nCall-ID: r"u8).Hex((uint)user).Put(who.Purpose == Purpose.LeaveAll ? "x"u8 : "-"u8).Put(cast.RunText);
        o.Put("\r\nCSeq: "u8).Number(who.Sequence).Put(" REGISTER\r\nContact: "u8);
        if (who.Purpose == Purpose.LeaveAll) o.Put("*"u8);
        else cast.Contact(o, user);
        o.Put("\r\nExpires: "u8).Number(who.Purpose == Purpose.Stay ? cast.Options.Expires : 0).Put("\r\n"u8);
        if (who.IsSigned) o.Put(who.Login!.Header.Span);
        o.Put("User-Agent: sip load\r\nContent-Length: 0\r\n\r\n"u8);
        links.Send(who.Link, o.Written);
    }

    private void End(int user, int status)
    {
        ref var who = ref cast.Users[user];
        who.IsBusy = false;
        Busy--;
        if (status == 200)
        {
            Tally.Done++;
            Tally.Request.Add(Time.Now - who.Intended);
            who.IsRegistered = who.Purpose == Purpose.Stay;
        }
        else if (status < 0) Tally.TimedOut++;
        else Tally.Refused[status]++;
    }
}
