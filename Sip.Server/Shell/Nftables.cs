using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Channels;
using Sip.Guarding;

namespace Sip.Server.Shell;

/// <summary>Takes bans to the system's own filter, by the `nft` command, one after another and off the way of any message.</summary>
public sealed class Nftables
{
    private readonly Channel<string> waiting = Channel.CreateBounded<string>(new BoundedChannelOptions(4096) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ILogger log;

    /// <summary>Begins with an empty table.</summary>
    public Nftables(ILogger log)
    {
        this.log = log;
        waiting.Writer.TryWrite(Firewall.setup);
        _ = WriteAllAsync();
    }

    /// <summary>Bans until then.</summary>
    public void Ban(Ban ban) => waiting.Writer.TryWrite(Firewall.ban(ban.Origin, ban.Until.Since(ban.Since) / 1000));

    /// <summary>Lifts a ban.</summary>
    public void Pardon(Address origin) => waiting.Writer.TryWrite(Firewall.pardon(origin));

    private async Task WriteAllAsync()
    {
        await foreach (var rules in waiting.Reader.ReadAllAsync())
        {
            try
            {
                await WriteAsync(rules);
            }
            catch (Exception wrong) when (wrong is Win32Exception or IOException or InvalidOperationException)
            {
                log.Advice($"--firewall nft: {wrong.Message}; the server itself still drops what is banned");
            }
        }
    }

    private async Task WriteAsync(string rules)
    {
        var start = new ProcessStartInfo("nft", ["-f", "-"]) { RedirectStandardInput = true, RedirectStandardError = true };
        using var nft = Process.Start(start)!;
        await nft.StandardInput.WriteAsync(rules);
        nft.StandardInput.Close();
        var words = await nft.StandardError.ReadToEndAsync();
        await nft.WaitForExitAsync();
        if (nft.ExitCode != 0) throw new IOException(words.Trim());
    }
}
