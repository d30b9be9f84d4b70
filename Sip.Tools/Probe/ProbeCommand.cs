using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Sip.Tools.Load;

namespace Sip.Tools.Probe;

/// <summary>`sip probe`: asks a server one thing after the other and tells what it does.</summary>
internal static class ProbeCommand
{
    /// <summary>Runs it and returns the exit status.</summary>
    public static async Task<int> RunAsync(string[] words)
    {
        var (options, problems) = ProbeOptions.Read(words);
        IPAddress[] addresses = [];
        if (options.Place is { } named)
        {
            try
            {
                addresses = await Dns.GetHostAddressesAsync(named.Host);
            }
            catch (SocketException missing)
            {
                problems.Add($"{named.Host}: {missing.Message}");
            }
            if (addresses.Length > 0 && !Targets.MayAim(named.Host, addresses, options.AllowedHosts))
                problems.Add($"Refused: {named.Host} is not this machine. Whoever answers for that server may allow it with --allow-host {named.Host}.");
        }
        if (problems.Count > 0)
        {
            foreach (var problem in problems) Console.Error.WriteLine(problem);
            return 2;
        }
        var trusted = options.Authority.Length > 0 ? new X509Certificate2Collection() : null;
        trusted?.ImportFromPemFile(options.Authority);
        var findings = new Findings(Console.Out);
        var place = options.Place!;
        Wire Connect() => new(place, addresses[0], options.Patience, trusted);
        try
        {
            if (TransportModule.isWebSocket(place.Transport)) AskWebSocket(place, options, Connect, findings);
            else AskSip(place, options, Connect, findings);
        }
        catch (Exception away) when (away is IOException or SocketException or AuthenticationException or AggregateException)
        {
            Console.Error.WriteLine($"{place.Authority} cannot be asked: {(away.InnerException ?? away).Message}");
            return 1;
        }
        Console.WriteLine(findings.Wrong == 0 ? "\nAll is as the standards ask." : $"\nNot as the standards ask: {findings.Wrong}.");
        return findings.Wrong == 0 ? 0 : 3;
    }

    private static void AskSip(Place place, ProbeOptions options, Func<Wire> connect, Findings findings)
    {
        using var wire = connect();
        if (wire.Security.Length > 0)
        {
            findings.Head("TLS");
            findings.Tell(wire.Security);
            findings.Judge(wire.Distrust.Length == 0, "the certificate is trusted", $"the certificate is not trusted: {wire.Distrust}");
        }
        var questions = new Questions(place, options, wire, new Session(wire, place.Transport, []), findings);
        questions.AskOptions();
        questions.AskKeepAlive();
        questions.AskRegister();
    }

    private static void AskWebSocket(Place place, ProbeOptions options, Func<Wire> connect, Findings findings)
    {
        var (handshakes, controls) = (new Handshakes(place, connect, findings), new Controls(findings));
        using var wire = connect();
        if (handshakes.Open(wire) is not { } session) return;
        var questions = new Questions(place, options, wire, session, findings);
        questions.AskOptions();
        questions.AskOptions(binary: true);
        questions.AskKeepAlive();
        controls.AskPing(session);
        questions.AskRegister();
        controls.AskClose(session);
        handshakes.AskOtherwise();
        using var other = connect();
        if (new Handshakes(place, connect, new Findings(TextWriter.Null)).Open(other) is { } rude) controls.AskWithoutMask(rude);
    }
}
