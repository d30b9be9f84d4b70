using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Sip.Identity;
using Sip.Routing;
using Sip.Server.Shell;
using Sip.Wire;
using Stream = System.IO.Stream;

namespace Sip.Server.Portable;

/// <summary>A TCP or TLS connection that this server opened.</summary>
public sealed record Dialling(Endpoint Remote, IDuplexPipe Transport)
{
    /// <summary>Connects, and shakes hands where the hop asks for TLS.</summary>
    public static async Task<Dialling> OpenAsync(Hop.Dial hop, StreamSettings settings, TimeProvider time)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(Patience.connecting), time);
        var there = hop.Destination;
        var address = AddressModule.toIPAddress(there.Address);
        var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, there.Port), deadline.Token);
            deadline.CancelAfter(TimeSpan.FromMilliseconds(Patience.securing));
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (there.Transport.IsTls) stream = await SecureAsync(stream, there.Domain, settings, deadline.Token);
            return new Dialling(new Endpoint(there.Address, there.Port), new Pipe(PipeReader.Create(stream), PipeWriter.Create(stream)));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> SecureAsync(Stream stream, Host host, StreamSettings settings, CancellationToken cancel)
    {
        var secure = new SslStream(stream);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = HostModule.print(host),
            CertificateChainPolicy = Serving.ChainPolicy(settings.Trusted),
            // Whose name it bears is for us to judge (RFC 5922): no wildcard counts.
            RemoteCertificateValidationCallback = (_, shown, chain, errors) =>
                (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None
                && Serving.IsShort(chain)
                && shown is X509Certificate2 certificate
                && SipDomain.bears(host, CertificateFacts.Of(certificate)),
        };
        await secure.AuthenticateAsClientAsync(options, cancel);
        return secure;
    }

    private sealed record Pipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
