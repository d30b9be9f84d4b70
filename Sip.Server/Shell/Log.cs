using Sip;
using Sip.Edge;
using Sip.Guarding;

namespace Sip.Server.Shell;

/// <summary>Every line that the server logs; ids are never used again.</summary>
public static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Peer} connection {Connection} opened on {Listener}")]
    public static partial void Opened(this ILogger log, string peer, long connection, string listener);

    [LoggerMessage(2, LogLevel.Information, "{Peer} connection {Connection} closed: {Reason}")]
    public static partial void Closed(this ILogger log, string peer, long connection, string reason);

    [LoggerMessage(3, LogLevel.Warning, "{Peer} connection {Connection} refused: {Reason}")]
    public static partial void HandshakeRefused(this ILogger log, string peer, long connection, string reason);

    [LoggerMessage(4, LogLevel.Information, "{Peer} connection {Connection} sent no message: {Words}")]
    public static partial void Broken(this ILogger log, string peer, long connection, string words);

    [LoggerMessage(5, LogLevel.Information, "{Peer} connection {Connection} call {CallId} answered {Status} {Words}")]
    public static partial void Refused(this ILogger log, string peer, long connection, string callId, int status, string words);

    [LoggerMessage(6, LogLevel.Information, "{Peer} connection {Connection} registered {Aor}, {Contacts} contacts")]
    public static partial void Registered(this ILogger log, string peer, long connection, string aor, int contacts);

    [LoggerMessage(7, LogLevel.Information, "{Aor} is registered no more")]
    public static partial void Unregistered(this ILogger log, string aor);

    [LoggerMessage(8, LogLevel.Debug, "{Peer} connection {Connection} call {CallId} sent a response to nothing of ours")]
    public static partial void Stray(this ILogger log, string peer, long connection, string callId);

    [LoggerMessage(9, LogLevel.Error, "A message from {Peer} connection {Connection} met a fault of this server and was dropped: {Bytes}")]
    public static partial void Fault(this ILogger log, Exception fault, string peer, long connection, string bytes);

    [LoggerMessage(10, LogLevel.Information, "{Peer} cannot be reached: {Reason}")]
    public static partial void Unreachable(this ILogger log, string peer, string reason);

    [LoggerMessage(11, LogLevel.Warning, "{Advice}")]
    public static partial void Advice(this ILogger log, string advice);

    [LoggerMessage(12, LogLevel.Warning, "{Listener} does not answer an OPTIONS: {Reason}")]
    public static partial void NotReady(this ILogger log, string listener, string reason);

    [LoggerMessage(13, LogLevel.Warning, "{Server} behind this server does not answer")]
    public static partial void Silent(this ILogger log, string server);

    [LoggerMessage(14, LogLevel.Information, "{Server} behind this server answers again")]
    public static partial void Answering(this ILogger log, string server);

    [LoggerMessage(15, LogLevel.Warning, "{Origin} is banned for {Seconds} s: {Offence}")]
    public static partial void Banned(this ILogger log, string origin, long seconds, string offence);

    [LoggerMessage(60, LogLevel.Warning, "{Words}; what was shown before is kept")]
    public static partial void CertificateRefused(this ILogger log, string words);

    [LoggerMessage(61, LogLevel.Information, "the certificate of {Name} is shown from now on, for {Days} days yet")]
    public static partial void CertificateShown(this ILogger log, string name, int days);

    /// <summary>Logs what the ledger noted; what nobody reads is not put into words either.</summary>
    public static void Noted(this ILogger log, Note note)
    {
        if (!log.IsEnabled(LogLevel.Information)) return;
        switch (note)
        {
            case Note.Broken { From: var from, Words: var words }:
                log.Broken(EndpointModule.print(from.Remote), from.Connection, words);
                break;
            case Note.Refused { From: var from } refused:
                log.Refused(EndpointModule.print(from.Remote), from.Connection, refused.CallId, refused.Status, refused.Words);
                break;
            case Note.Registered { From: var from } registered:
                log.Registered(EndpointModule.print(from.Remote), from.Connection, registered.Aor, registered.Contacts);
                break;
            case Note.Unregistered { Aor: var aor }:
                log.Unregistered(aor);
                break;
            case Note.Silent { Server: var server }:
                log.Silent(EndpointModule.print(new Endpoint(server.Address, server.Port)));
                break;
            case Note.Answering { Server: var server }:
                log.Answering(EndpointModule.print(new Endpoint(server.Address, server.Port)));
                break;
            case Note.Banned { Ban: var ban }:
                log.Banned(AddressModule.print(ban.Origin), ban.Until.Since(ban.Since) / 1000, OffenceModule.words(ban.Offence));
                break;
            case Note.Stray { From: var from, CallId: var callId }:
                log.Stray(EndpointModule.print(from.Remote), from.Connection, callId);
                break;
            default:
                throw new InvalidOperationException($"Unknown note {note}");
        }
    }
}
