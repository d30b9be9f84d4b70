using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Sip.Wire;

namespace Sip.Server.Portable;

/// <summary>A listening socket whose connections, which inherit it, find a peer that is gone without a word.</summary>
public static class ListeningSocket
{
    /// <summary>Connections that may wait to be accepted.</summary>
    public const int Backlog = 4096;

    /// <summary>Opens one.</summary>
    public static Socket Open(EndPoint place)
    {
        const int tcp = 6, userTimeout = 18;
        var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(place);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)Patience.ping / 1000);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)Patience.pong / 3000);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
        if (OperatingSystem.IsLinux()) socket.SetRawSocketOption(tcp, userTimeout, BitConverter.GetBytes((int)Patience.acknowledged));
        return socket;
    }
}
