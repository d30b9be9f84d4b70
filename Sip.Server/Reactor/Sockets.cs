using System.Net;
using Sip.Edge;
using Sip.Wire;

namespace Sip.Server.Reactor;

/// <summary>Opening sockets: listening, datagram and dialled ones; none blocks and none survives an exec.</summary>
internal static unsafe class Sockets
{
    private const int backlog = 4096;
    private const int datagramBuffer = 4 << 20;

    /// <summary>The socket of a listener; several shards share its port when asked to.</summary>
    public static int Open(Opening opening, bool shared)
    {
        var descriptor = Create(opening.Bound.Address, opening.IsDatagram ? Libc.DatagramSocket : Libc.StreamSocket);
        var address = stackalloc byte[SocketAddress.Size];
        var length = SocketAddress.Write(opening.Bound, address);
        if (shared) Set(descriptor, Libc.SolSocket, Libc.ReusePort, 1);
        if (opening.IsDatagram)
        {
            Set(descriptor, Libc.SolSocket, Libc.ReceiveBuffer, datagramBuffer);
            Set(descriptor, Libc.SolSocket, Libc.SendBuffer, datagramBuffer);
            // The system notes when a datagram came: how long it has waited decides what is refused under load.
            Set(descriptor, Libc.SolSocket, Libc.Timestamp, 1);
        }
        else
        {
            // Accepted sockets inherit it.
            Tend(descriptor);
            Set(descriptor, Libc.SolSocket, Libc.ReuseAddress, 1);
        }
        if (Libc.bind(descriptor, address, length) == 0 && (opening.IsDatagram || Libc.listen(descriptor, backlog) == 0)) return descriptor;
        var reason = Libc.Words(Libc.Errno);
        Libc.close(descriptor);
        throw new IOException($"{EndpointModule.print(opening.Bound)}: {reason}.");
    }

    /// <summary>A socket that is connecting.</summary>
    public static int Dial(Endpoint remote)
    {
        var descriptor = Create(remote.Address, Libc.StreamSocket);
        var address = stackalloc byte[SocketAddress.Size];
        var length = SocketAddress.Write(remote, address);
        Tend(descriptor);
        if (Libc.connect(descriptor, address, length) == 0 || Libc.Errno == Libc.InProgress) return descriptor;
        var reason = Libc.Words(Libc.Errno);
        Libc.close(descriptor);
        throw new IOException(reason);
    }

    /// <summary>The error number with which connecting ended, 0 when it is connected.</summary>
    public static int Fate(int descriptor)
    {
        int error, length = sizeof(int);
        return Libc.getsockopt(descriptor, Libc.SolSocket, Libc.SocketError, &error, &length) < 0 ? Libc.Errno : error;
    }

    /// <summary>How many thousandths of a socket's buffer for what it receives are full.</summary>
    public static int Filled(int descriptor)
    {
        var numbers = stackalloc int[16];
        var length = 16 * sizeof(int);
        // SK_MEMINFO_RMEM_ALLOC and SK_MEMINFO_RCVBUF come first.
        return Libc.getsockopt(descriptor, Libc.SolSocket, Libc.MemoryInfo, numbers, &length) == 0 && numbers[1] > 0
            ? (int)Math.Clamp(numbers[0] * 1000L / numbers[1], 0, 1000)
            : 0;
    }

    /// <summary>Has the socket reset its connection when it is closed, and forget what it still holds.</summary>
    public static void Abandon(int descriptor)
    {
        const int linger = 13;
        var atOnce = stackalloc int[] { 1, 0 };
        Libc.setsockopt(descriptor, Libc.SolSocket, linger, atOnce, 2 * sizeof(int));
    }

    /// <summary>A datagram socket on a port of the system's choice that reaches an address.</summary>
    public static int OpenDatagrams(Address towards)
    {
        var descriptor = Create(towards, Libc.DatagramSocket);
        var address = stackalloc byte[SocketAddress.Size];
        var length = SocketAddress.Write(new Endpoint(AddressModule.isLoopback(towards) ? towards : AddressModule.ofIPAddress(AddressModule.isV4(towards) ? IPAddress.Any : IPAddress.IPv6Any), 0), address);
        Set(descriptor, Libc.SolSocket, Libc.ReceiveBuffer, datagramBuffer);
        Set(descriptor, Libc.SolSocket, Libc.SendBuffer, datagramBuffer);
        if (Libc.bind(descriptor, address, length) == 0) return descriptor;
        var reason = Libc.Words(Libc.Errno);
        Libc.close(descriptor);
        throw new IOException(reason);
    }

    /// <summary>The near end of a socket.</summary>
    public static Endpoint Near(int descriptor)
    {
        var address = stackalloc byte[SocketAddress.Size];
        var length = SocketAddress.Size;
        return Libc.getsockname(descriptor, address, &length) == 0 ? SocketAddress.Read(address) : throw new IOException(Libc.Words(Libc.Errno));
    }

    /// <summary>Has the socket told of when so many bytes are there at least.</summary>
    public static void AtLeast(int descriptor, int bytes) => Set(descriptor, Libc.SolSocket, Libc.ReceiveLowWater, bytes);

    // Small writes leave at once, and a peer that is gone without a word is found, whether or not we have something to say to it.
    private static void Tend(int descriptor)
    {
        Set(descriptor, Libc.Tcp, Libc.NoDelay, 1);
        Set(descriptor, Libc.Tcp, Libc.UserTimeout, (int)Patience.acknowledged);
        Set(descriptor, Libc.SolSocket, Libc.KeepAlive, 1);
        Set(descriptor, Libc.Tcp, Libc.KeepIdle, (int)Patience.ping / 1000);
        Set(descriptor, Libc.Tcp, Libc.KeepInterval, (int)Patience.pong / 3000);
        Set(descriptor, Libc.Tcp, Libc.KeepCount, 3);
    }

    private static int Create(Address address, int kind)
    {
        var family = SocketAddress.Family(address);
        var descriptor = Libc.socket(family, kind | Libc.NonBlock | Libc.CloseOnExec, 0);
        if (descriptor < 0) throw new IOException(Libc.Words(Libc.Errno));
        if (family == Libc.Inet6) Set(descriptor, Libc.Ipv6, Libc.V6Only, 1);
        return descriptor;
    }

    private static void Set(int descriptor, int level, int name, int value) =>
        Libc.setsockopt(descriptor, level, name, &value, sizeof(int));
}
