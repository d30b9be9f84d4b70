using Sip.Guarding;
using Sip.Identity;

namespace Sip.Server.Shell;

/// <summary>A running edge: sockets, connections and the ledger behind them. Safe to call from any thread.</summary>
public interface IEdge
{
    /// <summary>Lets a user sign in from now on, or again with another password.</summary>
    Task EnrollAsync(Subscriber subscriber);

    /// <summary>Who is registered, and with how many contacts.</summary>
    Task<IReadOnlyList<KeyValuePair<string, int>>> OnlineAsync();

    /// <summary>How much it holds.</summary>
    Task<Counts> CountAsync();

    /// <summary>Who is banned, and for how many seconds still.</summary>
    Task<IReadOnlyList<(Ban Ban, long Seconds)>> BansAsync();

    /// <summary>Bans an address, of IPv6 its /64, for so many seconds.</summary>
    Task BanAsync(Address address, int seconds);

    /// <summary>Lifts a ban; whether there was one.</summary>
    Task<bool> PardonAsync(Address address);

    /// <summary>What is counted, in the text format of Prometheus.</summary>
    Task<string> CensusAsync();

    /// <summary>Begins from now on what there is room for, and no more.</summary>
    Task MakeRoomAsync(Room room);

    /// <summary>Handshakes from now on show these; connections go on.</summary>
    Task ShowAsync(IReadOnlyList<TlsIdentity> identities);

    /// <summary>Opens the sockets and begins.</summary>
    Task StartAsync(CancellationToken cancel);

    /// <summary>Lets what is under way finish, says goodbye to every connection and closes.</summary>
    Task StopAsync();
}
