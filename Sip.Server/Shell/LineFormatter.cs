using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Sip.Server.Shell;

/// <summary>Writes each log entry as one line, whatever somebody outside has put into it.</summary>
public sealed class LineFormatter() : ConsoleFormatter(Called)
{
    /// <summary>How the console's settings call it.</summary>
    public const string Called = "line";

    /// <inheritdoc/>
    public override void Write<TState>(in LogEntry<TState> entry, IExternalScopeProvider? scopes, TextWriter into)
    {
        into.Write(Word(entry.LogLevel));
        into.Write(": ");
        into.Write(entry.Category);
        into.Write('[');
        into.Write(entry.EventId.Id);
        into.Write("] ");
        into.Write(Printable.line(entry.Formatter(entry.State, entry.Exception)));
        if (entry.Exception is { } fault)
        {
            into.Write(' ');
            into.Write(Printable.line(fault.ToString()));
        }
        into.Write('\n');
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trce",
        LogLevel.Debug => "dbug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "fail",
        _ => "crit",
    };
}
