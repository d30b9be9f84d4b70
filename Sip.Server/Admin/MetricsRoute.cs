using Sip.Guarding;
using Sip.Server.Shell;

namespace Sip.Server.Admin;

/// <summary>What is counted and measured, in the text format of Prometheus.</summary>
public static class MetricsRoute
{
    /// <summary>The one thing that can be asked.</summary>
    public static AdminRoute Of(IEdge edge, CertificateWatch certificates, Memory memory) =>
        new("GET", "/metrics", async (_, _) => TypedResults.Text(await edge.CensusAsync() + Census.gauges(Measured(certificates, memory)), "text/plain; version=0.0.4"));

    private static Gauge[] Measured(CertificateWatch certificates, Memory memory) =>
    [
        .. certificates.DaysLeft.Select(one => new Gauge("sip_certificate_days", "whole days that a certificate is good for", one.Key, one.Value)),
        new Gauge("sip_memory_bytes", "memory that is used", "", Memory.Used),
        new Gauge("sip_memory_limit_bytes", "memory that may be used", "", memory.Most),
        new Gauge("sip_pause_seconds", "how long the collector has held everybody up, in all", "", GC.GetTotalPauseDuration().TotalSeconds),
        new Gauge("sip_pause_longest_seconds", "the longest time that the collector did at once", "", Memory.LongestPause.TotalSeconds),
    ];
}
