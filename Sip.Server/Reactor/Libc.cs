using System.Runtime.InteropServices;

namespace Sip.Server.Reactor;

/// <summary>The system calls of the reactor. All are blittable; <see cref="Errno"/> is read right after one that failed.</summary>
internal static unsafe partial class Libc
{
    public const int Inet = 2, Inet6 = 10, StreamSocket = 1, DatagramSocket = 2;
    public const int NonBlock = 0x800, CloseOnExec = 0x80000;
    public const int SolSocket = 1, ReuseAddress = 2, SocketError = 4, SendBuffer = 7, ReceiveBuffer = 8, KeepAlive = 9, ReusePort = 15, ReceiveLowWater = 18;
    public const int AttachFilter = 26, DetachFilter = 27, Timestamp = 35, MemoryInfo = 55;
    public const int Tcp = 6, NoDelay = 1, KeepIdle = 4, KeepInterval = 5, KeepCount = 6, UserTimeout = 18, Ipv6 = 41, V6Only = 26;
    public const int Peek = 2, DontWait = 0x40, NoSignal = 0x4000;
    public const int Add = 1, Modify = 3;
    public const uint In = 1, Out = 4, Error = 8, HangUp = 0x10;
    public const int Interrupted = 4, Again = 11, NoFilesInProcess = 24, NoFilesInSystem = 23, InProgress = 115;
    public const int ShutWrite = 1;

    /// <summary>Why the last call failed; the runtime keeps it over its own transitions.</summary>
    public static int Errno => Marshal.GetLastSystemError();

    /// <summary>An error number in the system's words.</summary>
    public static string Words(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    [LibraryImport("libc")] public static partial int socket(int family, int type, int protocol);
    [LibraryImport("libc")] public static partial int bind(int descriptor, byte* address, int length);
    [LibraryImport("libc")] public static partial int listen(int descriptor, int backlog);
    [LibraryImport("libc")] public static partial int accept4(int descriptor, byte* address, int* length, int flags);
    [LibraryImport("libc")] public static partial int connect(int descriptor, byte* address, int length);
    [LibraryImport("libc")] public static partial int setsockopt(int descriptor, int level, int name, int* value, int length);
    [LibraryImport("libc")] public static partial int getsockopt(int descriptor, int level, int name, int* value, int* length);
    [LibraryImport("libc")] public static partial int shutdown(int descriptor, int how);
    [LibraryImport("libc")] public static partial int close(int descriptor);
    [LibraryImport("libc")] public static partial nint recv(int descriptor, byte* buffer, nint length, int flags);
    [LibraryImport("libc")] public static partial nint send(int descriptor, byte* buffer, nint length, int flags);
    [LibraryImport("libc")] public static partial nint read(int descriptor, void* buffer, nint length);
    [LibraryImport("libc")] public static partial nint write(int descriptor, void* buffer, nint length);
    [LibraryImport("libc")] public static partial int recvmmsg(int descriptor, Datagram* messages, uint count, int flags, void* timeout);
    [LibraryImport("libc")] public static partial int sendmmsg(int descriptor, Datagram* messages, uint count, int flags);
    [LibraryImport("libc")] public static partial int eventfd(uint value, int flags);
    [LibraryImport("libc")] public static partial int epoll_create1(int flags);
    [LibraryImport("libc")] public static partial int epoll_ctl(int epoll, int operation, int descriptor, byte* readiness);
    [LibraryImport("libc")] public static partial int epoll_wait(int epoll, byte* readiness, int count, int milliseconds);
    [LibraryImport("libc")] public static partial int epoll_pwait2(int epoll, byte* readiness, int count, long* time, void* signals);
    [LibraryImport("libc")] public static partial int nanosleep(long* time, long* left);
    [LibraryImport("libc")] public static partial int getsockname(int descriptor, byte* address, int* length);

    [LibraryImport("libc")] public static partial int getrlimit(int resource, ulong* limits);

    /// <summary>Where a piece of a message lies (struct iovec).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Piece
    {
        public byte* Base;
        public nint Length;
    }

    /// <summary>One message of a batch (struct mmsghdr on 64-bit systems: a msghdr of 56 bytes with its tail padding, then the length).</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct Datagram
    {
        [FieldOffset(0)] public byte* Name;
        [FieldOffset(8)] public uint NameLength;
        [FieldOffset(16)] public Piece* Pieces;
        [FieldOffset(24)] public nint PieceCount;
        [FieldOffset(32)] public byte* Control;
        [FieldOffset(40)] public nint ControlLength;
        [FieldOffset(56)] public uint Length;
    }
}
