using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;
using Sip.Edge;
using Sip.Identity;
using Sip.Routing;
using Sip.Server.Admin;
using Sip.Server.Reactor;
using Sip.Server.Shell;
using Sip.Server.Store;

namespace Sip.Server.Options;

/// <summary>The options with what the machine knows, as the domain's wishes; every problem is told at once.</summary>
public static class Configuring
{
    private static readonly string[] firstMinute = ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", "ws:127.0.0.1:8080"];

    /// <summary>Options where none were given: this machine only.</summary>
    public static void Complete(ServerOptions options)
    {
        if (options.Listen.Count > 0) return;
        options.Listen.AddRange(firstMinute);
        if (options.Domain.Count == 0) options.Domain.Add("localhost");
    }

    /// <summary>The wishes.</summary>
    public static async Task<Wishes> WishesAsync(ServerOptions options, Issuer? issuer, byte[] secret, Clock clock)
    {
        var resolved = new Dictionary<string, IReadOnlyList<Address>>();
        foreach (var name in SetupModule.namesToResolve(options.Peer).Distinct()) resolved[name] = await AddressesAsync(name);
        return new Wishes(
            options.Listen, options.Trunk, options.Advertise, options.Domain, options.Peer, resolved, options.Upstream, options.UpstreamPath,
            options.Barred, options.Balancer, options.Limit, options.Origin, options.HostName, options.Path,
            [.. Outward()], options.UnsafeNoAuth, options.Inbound, options.UserStarts, options.PeerStarts, options.UserCalls, options.PeerCalls, options.Digest, options.StrictOutbound, options.StrictPath,
            issuer?.Tokens ?? FSharpValueOption<JwtRules>.None, options.UnsafeBearer, options.HandshakeToken,
            options.MessageBytes, secret,
            BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))),
            clock.Born);
    }

    /// <summary>What is wrong with the options that the domain does not see.</summary>
    public static IEnumerable<string> Problems(ServerOptions options)
    {
        // Without the text, which may be a password.
        if (options.User.Any(user => user.IndexOf(':') < 1)) yield return "--user: say name:password";
        if (Pages(options) is null) yield return $"--pages {options.Pages}: say address:port, for example 127.0.0.1:8000";
        if (options.Admin != "none" && Admin(options) is null) yield return $"--admin {options.Admin}: say address:port, for example 127.0.0.1:8001, or none";
        else if (Admin(options) is { } admin && !IPAddress.IsLoopback(admin.Address))
            yield return $"--admin {options.Admin}: it stays on loopback, for example 127.0.0.1:8001: reach it from elsewhere through ssh";
        else if (Admin(options)?.Port == Pages(options)?.Port) yield return $"--admin {options.Admin}: the pages have this port: choose another";
        if (options.AdminToken.Length is > 0 and < AdminToken.Shortest)
            yield return $"--admin-token: it is too short: give at least {AdminToken.Shortest} letters, or none and one is made";
        if (options.Certificate.Count != options.Key.Count) yield return "--certificate and --key: give both, or neither, as often the one as the other";
        foreach (var file in options.Certificate.Concat(options.Key).Append(options.Trust).Where(file => file.Length > 0 && !File.Exists(file)))
            yield return $"{file}: there is no such file";
        if (options.QueueBytes < 65536) yield return "--queue-bytes: say a number from 65536 on";
        if (options.MemoryLimit is not 0 and < 64) yield return "--memory-limit: say a number of megabytes from 64 on, or 0 for what the system grants";
        if (options.Shell is not ("auto" or "reactor" or "portable")) yield return $"--shell {options.Shell}: say auto, reactor or portable";
        if (options.Shell == "reactor" && !ReactorEdge.IsPossible) yield return "--shell reactor: it needs Linux with OpenSSL 3 (libssl.so.3); say auto";
        if (Shards(options) is not (>= 1 and <= ShardingModule.most)) yield return $"--shards {options.Shards}: say a number from 1 to {ShardingModule.most}, or auto";
        else if ((options.Shell == "portable" || !ReactorEdge.IsPossible) && Shards(options) > 1) yield return $"--shards {options.Shards}: only the reactor has several";
        if (options.Firewall is not ("none" or "nft")) yield return $"--firewall {options.Firewall}: say none or nft";
        if (options.StopSeconds is < 0 or > 300) yield return "--stop-seconds: say a number from 0 to 300";
    }

    /// <summary>The store in the folder that was named, if one was and it can be used.</summary>
    public static UserStore? Store(ServerOptions options, List<string> problems)
    {
        try
        {
            return options.Data.Length > 0 ? new UserStore(options.Data) : null;
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or SqliteException)
        {
            problems.Add($"--data {options.Data}: the folder cannot be used: {unusable.Message}");
            return null;
        }
    }

    /// <summary>How many threads share the work, if that can be read.</summary>
    public static int? Shards(ServerOptions options) =>
        options.Shards == "auto" ? (options.Shell == "portable" || !ReactorEdge.IsPossible ? 1 : Math.Min(Environment.ProcessorCount, ShardingModule.most))
        : int.TryParse(options.Shards, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count
        : null;

    /// <summary>Where the pages are served, if that can be read.</summary>
    public static IPEndPoint? Pages(ServerOptions options) =>
        IPEndPoint.TryParse(options.Pages, out var place) && place.Port > 0 ? place : null;

    /// <summary>Where the admin surface is served, if that can be read and is wanted.</summary>
    public static IPEndPoint? Admin(ServerOptions options) =>
        IPEndPoint.TryParse(options.Admin, out var place) && place.Port > 0 ? place : null;

    private static async Task<IReadOnlyList<Address>> AddressesAsync(string name)
    {
        try
        {
            return [.. (await Dns.GetHostAddressesAsync(name)).Select(AddressModule.ofIPAddress)];
        }
        catch (SocketException)
        {
            return [];
        }
    }

    // The address that the machine would call the world from; asking for it sends nothing.
    private static IEnumerable<Address> Outward()
    {
        foreach (var far in new[] { IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1") })
        {
            IPEndPoint? near = null;
            try
            {
                using var socket = new Socket(far.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
                socket.Connect(far, 9);
                near = socket.LocalEndPoint as IPEndPoint;
            }
            catch (SocketException)
            {
                // No way out in this family.
            }
            if (near is not null) yield return AddressModule.ofIPAddress(near.Address);
        }
    }
}
