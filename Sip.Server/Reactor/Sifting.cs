using Sip.Guarding;
using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;

namespace Sip.Server.Reactor;

/// <summary>
/// The sieve of a datagram socket: under load the system itself drops most of what would only be refused, before anybody has
/// read it (SO_ATTACH_FILTER; classic BPF, for which nobody needs a privilege).
/// </summary>
internal static unsafe class Sifting
{
    // What begins a request that may be new, as the first four bytes of a datagram.
    private static readonly string[] beginnings = ["INVI", "OPTI", "MESS", "SUBS", "PUBL"];
    private const ushort load = 0x20, ifEqual = 0x15, ifAtLeast = 0x35, end = 0x06;
    private const uint headOfUdp = 8, random = unchecked((uint)(-0x1000 + 56));
    // SKF_NET_OFF: from where on the header of IP stands; behind it the source.
    private const uint ip = unchecked((uint)-0x100000), sourceOfV4 = 12, sourceOfV6 = 8;
    // A program has 4096 steps at most; nobody has more peers than that.
    private const int mostPeers = 256;

    /// <summary>Lets through so many of 1024, and whatever comes from a peer, whose calls may be the most urgent.</summary>
    public static void Set(int descriptor, int sieve, IEnumerable<IPAddress> peers)
    {
        int nothing = 0;
        if (sieve >= Sieve.wide)
        {
            Libc.setsockopt(descriptor, Libc.SolSocket, Libc.DetachFilter, &nothing, sizeof(int));
            return;
        }
        Step[] steps = [.. peers.Take(mostPeers).SelectMany(Passes), .. Steps((uint)((ulong)uint.MaxValue * (uint)sieve / (uint)Sieve.wide))];
        fixed (Step* first = steps)
        {
            var program = new Program { Length = (ushort)steps.Length, Steps = first };
            Libc.setsockopt(descriptor, Libc.SolSocket, Libc.AttachFilter, (int*)&program, sizeof(Program));
        }
    }

    // Each word of the source is loaded and compared; what differs skips the rest.
    private static IEnumerable<Step> Passes(IPAddress peer)
    {
        var bytes = peer.GetAddressBytes();
        var words = bytes.Length / sizeof(uint);
        var source = ip + (words == 1 ? sourceOfV4 : sourceOfV6);
        for (var i = 0; i < words; i++)
        {
            yield return new Step(load, 0, 0, source + (uint)(i * sizeof(uint)));
            yield return new Step(ifEqual, 0, (byte)(2 * (words - i) - 1), BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(i * sizeof(uint))));
        }
        yield return new Step(end, 0, 0, uint.MaxValue);
    }

    // Load the beginning; one of those goes on to the dice, anything else passes.
    private static Step[] Steps(uint threshold)
    {
        var count = beginnings.Length;
        var steps = new Step[count + 5];
        steps[0] = new Step(load, 0, 0, headOfUdp);
        for (var i = 0; i < count; i++)
        {
            var word = BinaryPrimitives.ReadUInt32BigEndian(System.Text.Encoding.ASCII.GetBytes(beginnings[i]));
            var isLast = i == count - 1;
            steps[i + 1] = new Step(ifEqual, (byte)(count - 1 - i), (byte)(isLast ? 3 : 0), word);
        }
        steps[count + 1] = new Step(load, 0, 0, random);
        steps[count + 2] = new Step(ifAtLeast, 0, 1, threshold);
        steps[count + 3] = new Step(end, 0, 0, 0);
        steps[count + 4] = new Step(end, 0, 0, uint.MaxValue);
        return steps;
    }

    // struct sock_filter and struct sock_fprog.
    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Step(ushort Code, byte IfTrue, byte IfFalse, uint Value);

    [StructLayout(LayoutKind.Sequential)]
    private struct Program
    {
        public ushort Length;
        public Step* Steps;
    }
}
