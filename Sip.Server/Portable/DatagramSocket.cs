using System.Net;
using System.Net.Sockets;
using Sip.Server.Shell;
using Sip.Edge;

namespace Sip.Server.Portable;

/// <summary>One UDP listener: datagrams in, datagrams out.</summary>
public sealed class DatagramSocket : IDisposable
{
    private const int largest = 65535;
    private readonly PortableEdge edge;
    private readonly Opening opening;
    private readonly Socket socket;
    private readonly IPEndPoint bound;

    /// <summary>A bound socket that does not receive yet.</summary>
    public DatagramSocket(PortableEdge edge, Opening opening)
    {
        this.edge = edge;
        this.opening = opening;
        bound = new IPEndPoint(AddressModule.toIPAddress(opening.Bound.Address), opening.Bound.Port);
        socket = new Socket(bound.AddressFamily, SocketType.Dgram, ProtocolType.Udp)
        {
            ReceiveBufferSize = 4 << 20,
            SendBufferSize = 4 << 20,
        };
        if (bound.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = false;
        socket.Bind(bound);
    }

    /// <summary>Begins to receive.</summary>
    public void Start() => _ = ReceiveLoopAsync();

    /// <summary>Sends, or loses: a full socket buffer is a lossy network's business.</summary>
    public void Send(Endpoint to, ReadOnlySpan<byte> bytes)
    {
        try
        {
            socket.SendTo(bytes, SocketFlags.None, new IPEndPoint(AddressModule.toIPAddress(to.Address), to.Port));
        }
        catch (SocketException reason)
        {
            edge.Log.Unreachable(EndpointModule.print(to), reason.Message);
        }
        catch (ObjectDisposedException)
        {
            // The server has stopped.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    private async Task ReceiveLoopAsync()
    {
        var buffer = new byte[largest];
        while (true)
        {
            try
            {
                var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, bound);
                var from = (IPEndPoint)received.RemoteEndPoint;
                if (!edge.Admits(AddressModule.ofIPAddress(from.Address))) continue;
                var flow = new Flow(opening.Sip.Value, Transport.Udp, 0, new Endpoint(AddressModule.ofIPAddress(from.Address), from.Port));
                edge.Take(Input.NewArrived(flow, buffer.AsMemory(0, received.ReceivedBytes)));
            }
            catch (SocketException)
            {
                // An earlier datagram could not be delivered (ICMP); the socket goes on.
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }
}
