using System.Buffers.Binary;

namespace Sip.Server.Reactor;

/// <summary>End points as the system writes them (struct sockaddr_in and sockaddr_in6).</summary>
internal static unsafe class SocketAddress
{
    /// <summary>Bytes that hold any address.</summary>
    public const int Size = 28;

    private const ulong mapped = 0x0000FFFF00000000UL;

    /// <summary>The family of sockets that reach an address.</summary>
    public static int Family(Address address) => AddressModule.isV4(address) ? Libc.Inet : Libc.Inet6;

    /// <summary>Writes an end point and returns its length.</summary>
    public static int Write(Endpoint endpoint, byte* target)
    {
        var bytes = new Span<byte>(target, Size);
        bytes.Clear();
        var family = Family(endpoint.Address);
        *(ushort*)target = (ushort)family;
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)endpoint.Port);
        if (family == Libc.Inet)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)endpoint.Address.Low);
            return 16;
        }
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], endpoint.Address.High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], endpoint.Address.Low);
        return Size;
    }

    /// <summary>Reads an end point.</summary>
    public static Endpoint Read(byte* source)
    {
        var bytes = new ReadOnlySpan<byte>(source, Size);
        var port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        return *(ushort*)source == Libc.Inet
            ? new Endpoint(new Address(0, mapped | BinaryPrimitives.ReadUInt32BigEndian(bytes[4..])), port)
            : new Endpoint(new Address(BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), BinaryPrimitives.ReadUInt64BigEndian(bytes[16..])), port);
    }
}
