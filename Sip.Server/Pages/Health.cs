using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using Sip.Edge;
using Sip.Identity;
using Sip.Routing;
using Sip.Server.Shell;

namespace Sip.Server.Pages;

/// <summary>Whether every listener answers an OPTIONS, asked as any client would.</summary>
public sealed class Health(Realm realm, string? hostName, string path, CertificateWatch certificates, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(3);
    private readonly SemaphoreSlim single = new(1);
    private IReadOnlyList<string> last = [];
    private long asked = long.MinValue;

    /// <summary>The listeners that do not answer; a result is good for a second.</summary>
    public async Task<IReadOnlyList<string>> SilentAsync()
    {
        await single.WaitAsync();
        try
        {
            if (asked != long.MinValue && time.GetElapsedTime(asked) < TimeSpan.FromSeconds(1)) return last;
            var silent = await Task.WhenAll(realm.Listeners.Select(AskAsync));
            (last, asked) = ([.. silent.Where(name => name.Length > 0)], time.GetTimestamp());
            return last;
        }
        finally
        {
            single.Release();
        }
    }

    /// <summary>Certificates that somebody should renew, in words.</summary>
    public IEnumerable<string> Expiring() => certificates.DaysLeft
        .Where(one => one.Value < CertificateModule.warningDays)
        .Select(one => one.Value < 0 ? $"the certificate of {one.Key} has expired" : $"the certificate of {one.Key} expires in {one.Value} days");

    private async Task<string> AskAsync(Listener listener)
    {
        var name = Listening.name(listener);
        using var deadline = new CancellationTokenSource(patience, time);
        try
        {
            var mark = Guid.NewGuid().ToString("N");
            var answer = await ExchangeAsync(listener, Probe.options(listener, mark), deadline.Token);
            return Probe.isAnswered(mark, answer.Span) ? "" : name;
        }
        catch (System.Security.Authentication.AuthenticationException) when (listener.Admits.IsCertifiedPeers)
        {
            // It asked for a certificate, which is the answer that a stranger gets there.
            return "";
        }
        catch (Exception reason) when (reason is SocketException or IOException or OperationCanceledException or WebSocketException
            or System.Security.Authentication.AuthenticationException)
        {
            log.NotReady(name, reason.Message);
            return name;
        }
    }

    private async Task<ReadOnlyMemory<byte>> ExchangeAsync(Listener listener, byte[] request, CancellationToken cancel)
    {
        var transport = listener.Transport;
        var place = Reachable(listener.Bound);
        if (transport.IsWs || transport.IsWss) return await OverWebSocketAsync(transport.IsWss, place, request, cancel);
        using var socket = transport.IsUdp
            ? new Socket(place.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
            : new Socket(place.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(place, cancel);
        var answer = new byte[65536];
        if (transport.IsUdp)
        {
            await socket.SendAsync(request, cancel);
            return answer.AsMemory(0, await socket.ReceiveAsync(answer, cancel));
        }
        await using Stream plain = new NetworkStream(socket);
        await using var stream = transport.IsTls ? await SecureAsync(plain, cancel) : plain;
        // In TLS 1.3 a client learns only afterwards that it should have shown a certificate.
        if (listener.Admits.IsCertifiedPeers) throw new System.Security.Authentication.AuthenticationException("it asks for a certificate");
        await stream.WriteAsync(request, cancel);
        await stream.FlushAsync(cancel);
        return answer.AsMemory(0, await stream.ReadAsync(answer, cancel));
    }

    // Whose certificate it is does not matter here: the question is whether the listener answers.
    private static async Task<Stream> SecureAsync(Stream plain, CancellationToken cancel)
    {
        var secure = new SslStream(plain, false, (_, _, _, _) => true);
        await secure.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, cancel);
        return secure;
    }

    private async Task<ReadOnlyMemory<byte>> OverWebSocketAsync(bool secure, IPEndPoint place, byte[] request, CancellationToken cancel)
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("sip");
        if (hostName is not null) socket.Options.SetRequestHeader("Host", hostName);
        if (secure) socket.Options.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        await socket.ConnectAsync(new System.Uri($"{(secure ? "wss" : "ws")}://{place}{path}"), cancel);
        await socket.SendAsync(request, WebSocketMessageType.Text, true, cancel);
        var answer = new byte[65536];
        var received = await socket.ReceiveAsync(answer, cancel);
        return answer.AsMemory(0, received.Count);
    }

    private static IPEndPoint Reachable(Endpoint bound)
    {
        var address = AddressModule.toIPAddress(bound.Address);
        if (address.Equals(IPAddress.Any)) address = IPAddress.Loopback;
        if (address.Equals(IPAddress.IPv6Any)) address = IPAddress.IPv6Loopback;
        return new IPEndPoint(address, bound.Port);
    }
}
