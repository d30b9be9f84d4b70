using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Sip.Tools.Probe;

/// <summary>A connection to the server that is asked, or a datagram socket: bytes there and back, with patience.</summary>
internal sealed class Wire : IDisposable
{
    private readonly Socket socket;
    private readonly Stream? stream;

    /// <summary>Connects.</summary>
    public Wire(Place place, IPAddress address, TimeSpan patience, X509Certificate2Collection? trusted)
    {
        var milliseconds = (int)patience.TotalMilliseconds;
        socket = place.Transport.IsUdp
            ? new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
            : new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        (socket.ReceiveTimeout, socket.SendTimeout) = (milliseconds, milliseconds);
        if (!socket.ConnectAsync(address, place.Port).Wait(patience)) throw new IOException("nobody answers");
        if (place.Transport.IsUdp) return;
        stream = new NetworkStream(socket);
        if (!TransportModule.isSecure(place.Transport)) return;
        var secured = new SslStream(stream, false, (_, certificate, chain, errors) => Judge(certificate, chain, errors, trusted));
        stream = secured;
        secured.AuthenticateAsClient(place.Host);
        Security = $"{secured.SslProtocol switch { SslProtocols.Tls13 => "TLS 1.3", SslProtocols.Tls12 => "TLS 1.2", var other => other.ToString() }}, {secured.NegotiatedCipherSuite}";
    }

    /// <summary>The protocol and cipher of TLS; empty without.</summary>
    public string Security { get; } = "";

    /// <summary>Why the certificate would not be trusted; empty when it would.</summary>
    public string Distrust { get; private set; } = "";

    /// <summary>The near end.</summary>
    public string Near => ((IPEndPoint)socket.LocalEndPoint!).ToString();

    /// <summary>Sends bytes.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (stream is null) socket.Send(bytes);
        else stream.Write(bytes);
    }

    /// <summary>Waits for bytes; 0 when the server has closed, -1 when none came in time.</summary>
    public int Receive(Span<byte> buffer)
    {
        try
        {
            return stream is null ? socket.Receive(buffer) : stream.Read(buffer);
        }
        catch (Exception late) when ((late as SocketException ?? late.InnerException as SocketException)?.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return -1;
        }
        catch (IOException)
        {
            return 0;
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stream?.Dispose();
        socket.Dispose();
    }

    // A certificate that nobody vouches for is told, not refused: the question is what the server does.
    private bool Judge(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors, X509Certificate2Collection? trusted)
    {
        if (errors == SslPolicyErrors.RemoteCertificateChainErrors && trusted is not null && certificate is not null)
        {
            using var ours = new X509Chain();
            ours.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            ours.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            ours.ChainPolicy.CustomTrustStore.AddRange(trusted);
            if (ours.Build(new X509Certificate2(certificate))) return true;
        }
        Distrust = errors switch
        {
            SslPolicyErrors.None => "",
            SslPolicyErrors.RemoteCertificateNameMismatch => "it bears another name",
            SslPolicyErrors.RemoteCertificateChainErrors => string.Join(", ", chain?.ChainStatus.Select(status => status.StatusInformation.Trim()) ?? []),
            _ => errors.ToString(),
        };
        return true;
    }
}
