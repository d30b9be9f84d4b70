using Sip.Identity;
using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>What a user remembers of its last challenge, and the answer to it (RFC 7616 section 3.4). Nothing is allocated once a user has signed in.</summary>
internal sealed class Login
{
    [ThreadStatic] private static byte[]? scratch;
    private Store nonce, realm, opaque;
    private Algorithm algorithm;
    private bool hasQop, isProxy;
    private uint count;
    private byte[] key = [];

    /// <summary>The header field that signs the request which is being sent.</summary>
    public Store Header;

    /// <summary>Whether there is a challenge to answer.</summary>
    public bool IsChallenged => !nonce.IsEmpty;

    /// <summary>Takes the challenge that may be answered; false when there is none.</summary>
    public bool Take(ref Incoming message, Answering answering, int user, string password)
    {
        for (var i = 0; i < message.ChallengeCount; i++)
        {
            var challenge = message[message.Challenges[i]];
            var named = Values.Parameter(challenge, "algorithm"u8);
            var sha256 = Text.same(named, "SHA-256"u8);
            if (!sha256 && !named.IsEmpty && !Text.same(named, "MD5"u8)) continue;
            if (answering == (sha256 ? Answering.Md5 : Answering.Sha256)) continue;
            var fresh = Values.Parameter(challenge, "nonce"u8);
            if (fresh.IsEmpty) continue;
            var chosen = sha256 ? Algorithm.Sha256 : Algorithm.Md5;
            var where = Values.Parameter(challenge, "realm"u8);
            if (key.Length == 0 || !chosen.Equals(algorithm) || !where.SequenceEqual(realm.Span))
            {
                realm.Set(where);
                key = Key(chosen, user, where, password);
            }
            (algorithm, count, isProxy) = (chosen, 0, message.FromProxy);
            hasQop = !Values.Parameter(challenge, "qop"u8).IsEmpty;
            nonce.Set(fresh);
            opaque.Set(Values.Parameter(challenge, "opaque"u8));
            return true;
        }
        return false;
    }

    /// <summary>Signs a request into <see cref="Header"/>.</summary>
    public void Sign(Outgoing writer, int user, ReadOnlySpan<byte> method, ReadOnlySpan<byte> uri, uint random)
    {
        count++;
        Span<byte> digits = stackalloc byte[64];
        Span<byte> numbers = stackalloc byte[8 + 16];
        var o = writer.Begin().Hex(count).Hex(random).Hex(random * 2654435761u ^ count);
        o.Written.CopyTo(numbers);
        var uses = numbers[..8];
        var own = numbers[8..];
        digits = digits[..AlgorithmModule.digits(algorithm)];
        Respond(digits, method, uri, uses, own);
        o.Begin().Put(isProxy ? "Proxy-Authorization"u8 : "Authorization"u8).Put(": Digest username=\""u8).User(user).Put("\",realm=\""u8).Put(realm.Span)
            .Put("\",nonce=\""u8).Put(nonce.Span).Put("\",uri=\""u8).Put(uri).Put("\",response=\""u8).Put(digits).Put("\",algorithm="u8)
            .Put(algorithm.IsSha256 ? "SHA-256"u8 : "MD5"u8);
        if (hasQop) o.Put(",qop=auth,nc="u8).Put(uses).Put(",cnonce=\""u8).Put(own).Put("\""u8);
        if (!opaque.IsEmpty) o.Put(",opaque=\""u8).Put(opaque.Span).Put("\""u8);
        o.Put("\r\n"u8);
        Header.Set(o.Written);
    }

    private static byte[] Key(Algorithm algorithm, int user, ReadOnlySpan<byte> realm, string password)
    {
        var name = user > 999_999 ? $"user{user}" : $"user{user:D6}";
        return Text.toBytes(Ha1Module.expose(Ha1Module.ofPassword(algorithm, Text.ofBytes(realm), name, password)));
    }

    // response = H( H(A1) ":" nonce ":" nc ":" cnonce ":" qop ":" H(A2) ), or without the middle for RFC 2069
    private void Respond(Span<byte> digits, ReadOnlySpan<byte> method, ReadOnlySpan<byte> uri, ReadOnlySpan<byte> uses, ReadOnlySpan<byte> own)
    {
        scratch ??= new byte[4096];
        var length = 0;
        Add(ref length, method);
        Add(ref length, uri);
        AlgorithmModule.hexHash(algorithm, scratch.AsSpan(0, length - 1), digits);
        length = 0;
        Add(ref length, key);
        Add(ref length, nonce.Span);
        if (hasQop)
        {
            Add(ref length, uses);
            Add(ref length, own);
            Add(ref length, "auth"u8);
        }
        Add(ref length, digits);
        AlgorithmModule.hexHash(algorithm, scratch.AsSpan(0, length - 1), digits);
    }

    private static void Add(ref int length, ReadOnlySpan<byte> part)
    {
        part.CopyTo(scratch.AsSpan(length));
        length += part.Length;
        scratch![length++] = (byte)':';
    }
}
