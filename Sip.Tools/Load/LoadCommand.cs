using Sip.Server.Reactor;
using Sip.Tools.Load.Machine;
using Sip.Tools.Load.Play;
using Sip.Tools.Load.Runs;

namespace Sip.Tools.Load;

/// <summary>`sip load`: reads the options, finds the target, plays, tells.</summary>
internal static class LoadCommand
{
    /// <summary>Runs it and returns the exit status.</summary>
    public static async Task<int> RunAsync(string[] words)
    {
        var (options, problems) = LoadOptions.Read(words);
        if (options.Authority.Length > 0 && !File.Exists(options.Authority)) problems.Add($"--ca {options.Authority}: there is no such file");
        var server = new ProcessTree(options.ServerPid);
        if (options.ServerPid > 0 && !server.Exists) problems.Add($"--server-pid {options.ServerPid}: there is no such process");
        var (targets, problem) = await Targets.FindAsync(options.Host, options.Ports, options.Path, options.AllowedHosts);
        if (targets is null) problems.Add(problem);
        if (!ReactorEdge.IsPossible) problems.Add("sip load needs Linux with OpenSSL 3 (libssl.so.3).");
        if (problems.Count > 0)
        {
            foreach (var line in problems) Console.Error.WriteLine(line);
            return 2;
        }
        try
        {
            return Play(options, targets!, server);
        }
        catch (IOException reason)
        {
            Console.Error.WriteLine($"It could not begin: {reason.Message}");
            return 1;
        }
    }

    private static int Play(LoadOptions options, Targets targets, ProcessTree server)
    {
        var secure = TransportModule.isSecure(options.Caller) || TransportModule.isSecure(options.Callee);
        using var tls = secure ? TlsContext.ForClient(options.Authority.Length > 0 ? File.ReadAllText(options.Authority) : "", []) : null;
        var alone = options.Scenario is Scenario.Register or Scenario.Storm;
        using var generator = new Generator(options, targets, tls, alone ? options.Users : OperatingRun.Users(options));
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;
            generator.IsStopped = true;
        };
        using var report = new Report(options);
        var progress = new Progress(options.Quiet);
        var status = options.Scenario switch
        {
            Scenario.Register => new RegisterRun(generator, server, progress, report).Run(),
            Scenario.Storm => new StormRun(generator, server, progress, report).Run(),
            Scenario.Call or Scenario.Message or Scenario.Options or Scenario.Knee => OperatingRun.Run(generator, server, progress, report),
            _ => throw new InvalidOperationException($"Unknown scenario {options.Scenario}"),
        };
        report.Number("exit", status);
        report.Write(options.Json);
        return status;
    }
}
