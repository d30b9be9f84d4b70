using System.Net;
using System.Net.Sockets;

namespace Sip.Server.Shell;

/// <summary>The address behind a host as the domain writes it.</summary>
public static class Resolver
{
    /// <summary>The first address of the host.</summary>
    public static async Task<IPAddress> AddressAsync(Host host, CancellationToken cancel)
    {
        if (host is Host.Address { Address: var address }) return AddressModule.toIPAddress(address);
        var found = await Dns.GetHostAddressesAsync(HostModule.print(host), cancel);
        return found.FirstOrDefault() ?? throw new SocketException((int)SocketError.HostNotFound);
    }
}
