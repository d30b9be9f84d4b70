using System.Net;
using System.Net.Sockets;
using Microsoft.FSharp.Collections;
using Sip.Wire;

namespace Sip.Tools.Load;

/// <summary>The server that is aimed at: one host, a port for each transport.</summary>
public sealed class Targets
{
    private readonly Endpoint[] endpoints = new Endpoint[Transport.Tags.Wss + 1];
    private readonly string path;

    private Targets(Host host, Address address, IReadOnlyDictionary<string, int> ports, string path)
    {
        (Host, this.path) = (host, path);
        foreach (var (word, port) in ports) endpoints[TransportModule.tryWord(word).Value.Tag] = new Endpoint(address, port);
    }

    /// <summary>The host as it was named.</summary>
    public Host Host { get; }

    /// <summary>Whether a load may be aimed at these addresses: all are this machine's own, or the host was allowed by name.</summary>
    public static bool MayAim(string host, IEnumerable<IPAddress> addresses, IEnumerable<string> allowed) =>
        allowed.Contains(host, StringComparer.OrdinalIgnoreCase) || addresses.All(IPAddress.IsLoopback);

    /// <summary>The targets, or why there are none.</summary>
    public static async Task<(Targets? Targets, string Problem)> FindAsync(string host, IReadOnlyDictionary<string, int> ports, string path, IReadOnlyList<string> allowed)
    {
        var read = HostModule.tryRead(host);
        if (read.IsNone) return (null, $"--host {host}: that is neither a name nor an address");
        IPAddress[] addresses;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(host.Trim('[', ']'));
        }
        catch (SocketException missing)
        {
            return (null, $"--host {host}: {missing.Message}");
        }
        if (addresses.Length == 0) return (null, $"--host {host}: it has no address");
        if (!MayAim(host, addresses, allowed))
            return (null, $"Refused: {host} is not this machine. Whoever answers for that server may allow it with --allow-host {host}.");
        return (new Targets(read.Value, AddressModule.ofIPAddress(addresses[0]), ports, path), "");
    }

    /// <summary>Where a transport is served.</summary>
    public Endpoint Endpoint(Transport transport) => endpoints[transport.Tag];

    /// <summary>What is asked for to open a WebSocket.</summary>
    public HandshakeAsk Ask(Transport transport, string key) =>
        new($"{HostModule.print(Host)}:{Endpoint(transport).Port}", path, key, ListModule.OfSeq(["sip"]), FSharpList<Tuple<string, string>>.Empty);
}
