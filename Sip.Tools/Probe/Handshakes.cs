using System.Security.Cryptography;
using Microsoft.FSharp.Collections;
using Sip.Wire;

namespace Sip.Tools.Probe;

/// <summary>How a server answers the handshakes of RFC 6455 section 4 and RFC 7118 section 4.</summary>
internal sealed class Handshakes(Place place, Func<Wire> connect, Findings findings)
{
    /// <summary>Asks for SIP as a client should, tells all of the answer, and returns the open session.</summary>
    public Session? Open(Wire wire)
    {
        findings.Head("Handshake");
        if (wire.Security.Length > 0) findings.Tell(wire.Security);
        if (wire.Security.Length > 0) findings.Judge(wire.Distrust.Length == 0, "the certificate is trusted", $"the certificate is not trusted: {wire.Distrust}");
        var ask = Ask(["sip"], []);
        switch (Answer(wire, ask, out var rest))
        {
            case HandshakeAnswer.Head { Response: var response, Flaws: var flaws }:
                findings.Tell($"HTTP/1.1 {response.Status} {response.Phrase}");
                foreach (var (name, value) in response.Fields) findings.Tell($"{name}: {value}");
                foreach (var flaw in flaws) findings.Bad(ClientHandshake.words(flaw));
                if (response.Status != 101) return null;
                if (!flaws.Any(flaw => flaw.IsWrongAccept)) findings.Good("the key is answered rightly");
                if (!flaws.Any(flaw => flaw.IsNoProtocol || flaw.IsOtherProtocol)) findings.Good("the sub-protocol comes back as it was offered: sip");
                return new Session(wire, place.Transport, rest);
            case { IsNotHttp: true }:
                findings.Bad("the answer is not HTTP/1.1");
                return null;
            default:
                findings.Bad("there is no answer");
                return null;
        }
    }

    /// <summary>Asks otherwise: without a sub-protocol, with another, among others, with an extension, from a foreign page.</summary>
    public void AskOtherwise()
    {
        findings.Head("Other handshakes");
        Judge("without a sub-protocol (RFC 7118 section 4)", Ask([], []), opens => !opens);
        Judge("with the sub-protocol xmpp only", Ask(["xmpp"], []), opens => !opens);
        Judge("with xmpp, and sip behind it", Ask(["xmpp", "sip"], []), opens => opens);
        Judge("with the extension permessage-deflate", Ask(["sip"], [("Sec-WebSocket-Extensions", "permessage-deflate")]), opens => opens);
        Judge("from a page of http://elsewhere.example", Ask(["sip"], [("Origin", "http://elsewhere.example")]), _ => true);
    }

    private void Judge(string how, HandshakeAsk ask, Func<bool, bool> isGood)
    {
        using var wire = connect();
        if (Answer(wire, ask, out _) is not HandshakeAnswer.Head { Response: var response })
        {
            findings.Bad($"{how}: no answer in HTTP");
            return;
        }
        var chosen = string.Join(", ", HttpResponseModule.values("Sec-WebSocket-Protocol", response));
        var extension = string.Join(", ", HttpResponseModule.values("Sec-WebSocket-Extensions", response));
        var words = response.Status == 101
            ? $"{how}: it opens{(chosen.Length > 0 ? $" with {chosen}" : "")}{(extension.Length > 0 ? $" and takes {extension}" : extension.Length == 0 && how.Contains("extension") ? ", without it" : "")}"
            : $"{how}: {response.Status} {response.Phrase}";
        findings.Judge(isGood(response.Status == 101), words, words);
    }

    private HandshakeAsk Ask(string[] protocols, (string Name, string Value)[] fields) => new(
        place.Authority, place.Path, Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)),
        ListModule.OfSeq(protocols), ListModule.OfSeq(fields.Select(field => Tuple.Create(field.Name, field.Value))));

    private static HandshakeAnswer Answer(Wire wire, HandshakeAsk ask, out byte[] rest)
    {
        var (buffer, used) = (new byte[16384], 0);
        wire.Send(ClientHandshake.request(ask));
        rest = [];
        while (true)
        {
            var count = wire.Receive(buffer.AsSpan(used));
            if (count <= 0) return HandshakeAnswer.Incomplete;
            used += count;
            var answer = ClientHandshake.receive(ask, buffer.AsSpan(0, used));
            if (answer is HandshakeAnswer.Head { HeadLength: var length }) rest = buffer[length..used];
            if (!answer.IsIncomplete || used == buffer.Length) return answer;
        }
    }
}
