using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Sip.Identity;
using Sip.Wire;

namespace Sip.Tools.Probe;

/// <summary>What is asked in SIP: keep-alives, OPTIONS and REGISTER.</summary>
internal sealed class Questions(Place place, ProbeOptions options, Wire wire, Session session, Findings findings)
{
    private readonly string domain = options.Domain.Length > 0 ? options.Domain : place.Host;
    private readonly string mark = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private uint sequence;

    /// <summary>CRLF CRLF is to be answered by CRLF (RFC 5626 section 4.4.1, RFC 7118 section 6).</summary>
    public void AskKeepAlive()
    {
        findings.Head("Keep-alive");
        if (place.Transport.IsUdp)
        {
            findings.Tell("over UDP that is STUN's business (RFC 5626 section 4.4.2): not asked");
            return;
        }
        session.Send("\r\n\r\n"u8);
        var heard = session.Hear();
        findings.Judge(heard is Heard.KeepAlive, "CRLF CRLF is answered by CRLF", $"CRLF CRLF is not answered by CRLF: {Words(heard)}");
    }

    /// <summary>OPTIONS to the server itself (RFC 3261 section 11).</summary>
    public void AskOptions(bool binary = false)
    {
        findings.Head(binary ? "OPTIONS in a binary frame" : "OPTIONS");
        if (Ask("OPTIONS", "", binary) is not { } answer) return;
        findings.Judge(Status(answer) is >= 200 and < 300, $"answered {First(answer)}", $"answered {First(answer)}");
        if (binary) return;
        foreach (var name in new[] { "Allow", "Supported", "Accept", "Server" })
            if (Field(answer, name) is { } value) findings.Tell($"{name}: {value}");
        var via = MessageModule.texts(HeaderName.Via, answer);
        findings.Judge(via.Length == 1 && via.Head.Contains(mark), "our Via comes back alone", "our Via does not come back alone");
        findings.Judge(via.Head.Contains("received=") && via.Head.Contains("rport="), $"Via says where we come from: {via.Head[(via.Head.IndexOf(';') + 1)..]}", "Via does not say where we come from (RFC 3581)");
    }

    /// <summary>REGISTER: who may, and how they are asked to prove it (RFC 3261 section 22, RFC 8760).</summary>
    public void AskRegister()
    {
        findings.Head($"REGISTER of {options.User}@{domain}");
        if (Register(3600, "") is not { } answer) return;
        findings.Tell($"answered {First(answer)}");
        Func<string, string> sign = _ => "";
        if (Status(answer) is 401 or 407)
        {
            var header = Status(answer) == 401 ? HeaderName.WwwAuthenticate : HeaderName.ProxyAuthenticate;
            var challenges = MessageModule.texts(header, answer);
            findings.Judge(!challenges.IsEmpty, $"challenges: {challenges.Length}", "it refuses without a challenge");
            var demands = challenges.Select(Tell).OfType<Challenge>().ToArray();
            var first = demands.Length > 0 ? AlgorithmModule.print(demands[0].Algorithm) : "";
            if (demands.Length > 1)
                findings.Tell(first == "MD5" ? "MD5 comes first: clients that read only the first challenge can answer it" : $"{first} comes first: clients that know only MD5 must read on (RFC 8760 section 2.4)");
            if (options.Password.Length == 0 || demands.Length == 0) return;
            sign = Signing(demands, Status(answer) == 401 ? "Authorization" : "Proxy-Authorization");
            if (Register(3600, sign("00000001")) is not { } second) return;
            findings.Judge(Status(second) == 200, $"with the password: {First(second)}", $"with the password: {First(second)}");
            answer = second;
        }
        else if (Status(answer) == 200) findings.Bad("anybody may register as anybody");
        if (Status(answer) != 200) return;
        if (Field(answer, "Contact") is { } contact) findings.Tell($"Contact: {contact}");
        if (Field(answer, "Expires") is { } expires) findings.Tell($"Expires: {expires}");
        var left = Register(0, sign("00000002"));
        if (left is not null && Status(left) == 200) findings.Good("and left again");
        else findings.Tell("it may remember the binding for a while: leaving was not answered with 200");
    }

    private Challenge? Tell(string text)
    {
        switch (ChallengeModule.read(text))
        {
            case { IsOk: true, ResultValue: Demand.Digest { Challenge: var challenge } }:
                var qops = string.Join(",", challenge.Qops.Select(QopModule.print));
                findings.Tell($"Digest, {AlgorithmModule.print(challenge.Algorithm)}, realm {challenge.Realm}, {(qops.Length > 0 ? $"qop {qops}" : "without qop")}{(challenge.Opaque.IsSome ? ", with opaque" : "")}, nonce of {challenge.Nonce.Length} characters");
                if (qops.Length == 0) findings.Bad("a challenge without qop is that of RFC 2069");
                return challenge;
            case { IsOk: true }:
                findings.Tell($"another scheme: {text}");
                return null;
            default:
                findings.Bad($"a challenge that cannot be read: {text}");
                return null;
        }
    }

    // The header that signs the use of the nonce with this number.
    private Func<string, string> Signing(Challenge[] demands, string header)
    {
        var chosen = ChallengeModule.choose(Microsoft.FSharp.Collections.ListModule.OfSeq(demands));
        if (chosen.IsNone || chosen.Value.Algorithm is not AlgorithmName.Known { Algorithm: var algorithm })
        {
            findings.Bad("no challenge can be answered with MD5 or SHA-256");
            return _ => "";
        }
        var login = new Login(options.User, Ha1Module.ofPassword(algorithm, chosen.Value.Realm, options.User, options.Password));
        return count => $"{header}: {CredentialsModule.print(Digest.answer(login, "REGISTER", $"sip:{domain}", NonceCountModule.tryRead(count).Value, mark, chosen.Value))}\r\n";
    }

    private Message? Register(int seconds, string credentials)
    {
        var contact = TransportModule.isWebSocket(place.Transport) ? "probe.invalid;transport=ws" : $"{wire.Near};transport={TransportModule.inUri(place.Transport)}";
        return Ask("REGISTER", $"Contact: <sip:{options.User}@{contact}>\r\nExpires: {seconds}\r\n{credentials}", false);
    }

    private Message? Ask(string method, string fields, bool binary)
    {
        var number = ++sequence;
        var to = method == "REGISTER" ? $"sip:{options.User}@{domain}" : $"sip:{domain}";
        var host = TransportModule.isWebSocket(place.Transport) ? "probe.invalid" : wire.Near;
        var request = Encoding.Latin1.GetBytes(
            $"{method} sip:{domain} SIP/2.0\r\nVia: SIP/2.0/{TransportModule.inVia(place.Transport)} {host};rport;branch=z9hG4bK{mark}{number}\r\nMax-Forwards: 70\r\n" +
            $"From: <{to}>;tag={mark}\r\nTo: <{to}>\r\nCall-ID: {mark}\r\nCSeq: {number} {method}\r\n{fields}Content-Length: 0\r\n\r\n");
        var watch = Stopwatch.StartNew();
        session.Send(request, binary);
        while (true)
        {
            var heard = session.Hear();
            if (heard is not Heard.Text { Bytes: var bytes })
            {
                findings.Bad($"no answer to {method}: {Words(heard)}");
                return null;
            }
            if (Reading.message(LimitsModule.usual, bytes) is not { IsMessage: true, Message: var message })
            {
                findings.Bad($"what answers {method} is no SIP message");
                return null;
            }
            if (MessageModule.sequence(message) != number || Status(message) < 200) continue;
            findings.Tell(FormattableString.Invariant($"after {watch.Elapsed.TotalMilliseconds:F1} ms"));
            return message;
        }
    }

    private static int Status(Message message) => message.Start is { IsResponse: true, Status: var status } ? status.Number : 0;

    private static string First(Message message)
    {
        var text = Encoding.Latin1.GetString(message.Bytes);
        return text["SIP/2.0 ".Length..text.IndexOf('\r')];
    }

    private static string? Field(Message message, string name) => Encoding.Latin1.GetString(message.Bytes)
        .Split("\r\n").TakeWhile(line => line.Length > 0).FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))?[(name.Length + 1)..].Trim();

    /// <summary>What was heard in words.</summary>
    public static string Words(Heard heard) => heard switch
    {
        Heard.Text => "a message came",
        Heard.KeepAlive => "a CRLF came",
        Heard.Pong => "a pong came",
        Heard.Close close => $"it closed the WebSocket with {close.Code}{(close.Reason.Length > 0 ? $", {close.Reason}" : "")}",
        Heard.End => "it closed the connection",
        Heard.Silence => "nothing came",
        Heard.Broken broken => $"bytes came that break the rules: {broken.Reason}",
        _ => throw new InvalidOperationException($"Unknown {heard}"),
    };
}
