using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Sip.Identity;

namespace Sip.Server.Shell;

/// <summary>
/// The certificates that are shown: looked at twice a second, replaced when their files have changed and are fit,
/// kept when they are not.
/// </summary>
public sealed class CertificateWatch(CertificateFiles files, TimeProvider time)
{
    private static readonly TimeSpan pause = TimeSpan.FromMilliseconds(500);
    private volatile IReadOnlyList<Held<TlsIdentity>> shown = [];

    /// <summary>The pairs that are shown, in the order of their choice.</summary>
    public IReadOnlyList<TlsIdentity> Shown => [.. shown.Select(held => held.Pair)];

    /// <summary>How long each is still good for: the name that it bears, and whole days.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> DaysLeft =>
        [.. shown.Select(held => KeyValuePair.Create(CertificateModule.name(held.Certificate), CertificateModule.daysLeft(time.GetUtcNow(), held.Certificate)))];

    /// <summary>Whether the files are the operator's, and may change.</summary>
    public bool IsWatching => !files.IsNone;

    /// <summary>Takes the files as they are at the start; what is wrong with any of them.</summary>
    public IReadOnlyList<string> Begin()
    {
        if (files.Changed() is not { } found) return [];
        var renewal = Renewal.decide(time.GetUtcNow(), shown, found);
        shown = renewal.Shown;
        return renewal.Refused;
    }

    /// <summary>Shows one that does not come from the operator's files.</summary>
    public void Use(X509Certificate2 certificate)
    {
        var identity = TlsIdentity.Of(certificate);
        shown = [new Held<TlsIdentity>("development", identity.Leaf, identity)];
    }

    /// <summary>Looks at the files for as long as the server runs.</summary>
    public async Task RunAsync(Func<IReadOnlyList<TlsIdentity>, Task> show, ILogger log, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(pause, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stop)) await LookAsync(show, log);
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    /// <summary>Looks at the files once.</summary>
    public async Task LookAsync(Func<IReadOnlyList<TlsIdentity>, Task> show, ILogger log)
    {
        if (files.Changed() is not { } found) return;
        var renewal = Renewal.decide(time.GetUtcNow(), shown, found);
        foreach (var words in renewal.Refused) log.CertificateRefused(words);
        if (renewal.Taken.Count == 0) return;
        try
        {
            await show([.. renewal.Shown.Select(held => held.Pair)]);
        }
        catch (AuthenticationException wrong)
        {
            log.CertificateRefused(wrong.Message);
            return;
        }
        shown = renewal.Shown;
        foreach (var (name, days) in DaysLeft) log.CertificateShown(name, days);
    }
}
