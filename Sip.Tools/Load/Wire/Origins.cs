using Sip.Server.Reactor;

namespace Sip.Tools.Load.Wire;

/// <summary>Where burdens come from: this machine's addresses 127.0.1.1 to 127.0.1.250 in turn, so that no address has all of them.</summary>
internal static unsafe class Origins
{
    private const uint first = 0x7F000101;
    private const int addresses = 250;
    private const int smallest = 4096;

    /// <summary>A socket that is connecting; one that shall not read has no room for what it does not read.</summary>
    public static int Dial(int number, Endpoint remote, bool isDeaf)
    {
        var descriptor = Sockets.Stream(remote.Address);
        var room = smallest;
        if (isDeaf) Libc.setsockopt(descriptor, Libc.SolSocket, Libc.ReceiveBuffer, &room, sizeof(int));
        if (AddressModule.isV4(remote.Address) && AddressModule.isLoopback(remote.Address)) Bind(descriptor, first + (uint)(number % addresses));
        return Sockets.Connect(descriptor, remote);
    }

    private static void Bind(int descriptor, uint address)
    {
        var bytes = stackalloc byte[SocketAddress.Size];
        var length = SocketAddress.Write(new Endpoint(AddressModule.ofV4(address), 0), bytes);
        // Where that fails, the system chooses.
        Libc.bind(descriptor, bytes, length);
    }
}
