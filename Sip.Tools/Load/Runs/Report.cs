using System.Globalization;
using System.Text.Json;

namespace Sip.Tools.Load.Runs;

/// <summary>What a run found: lines for people, and the same as JSON for programs.</summary>
internal sealed class Report : IDisposable
{
    private readonly MemoryStream bytes = new();
    private readonly Utf8JsonWriter json;

    /// <summary>Begins with what was asked for.</summary>
    public Report(LoadOptions options)
    {
        json = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        Text("scenario", options.Scenario.ToString().ToLowerInvariant());
        if (options.Label.Length > 0) Text("label", options.Label);
        Text("caller", TransportModule.inVia(options.Caller).ToLowerInvariant());
        Text("callee", TransportModule.inVia(options.Callee).ToLowerInvariant());
        Number("seed", options.Seed);
    }

    /// <summary>A line for people.</summary>
    public void Say(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    /// <summary>A text for programs.</summary>
    public void Text(string name, string value) => json.WriteString(name, value);

    /// <summary>A number for programs.</summary>
    public void Number(string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, Math.Round(value, 4));
        else json.WriteNull(name);
    }

    /// <summary>Latencies: a line and an object; nothing when there are none.</summary>
    public void Latency(string name, string words, Histogram histogram)
    {
        if (histogram.Count == 0) return;
        Say($"  {words,-16} p50 {histogram.Percentile(50) / 1e3:F2} ms, p90 {histogram.Percentile(90) / 1e3:F2}, p99 {histogram.Percentile(99) / 1e3:F2}, p99.9 {histogram.Percentile(99.9) / 1e3:F2}, most {histogram.Maximum / 1e3:F2} ({histogram.Count})");
        json.WriteStartObject(name);
        Number("count", histogram.Count);
        Number("p50_us", histogram.Percentile(50));
        Number("p90_us", histogram.Percentile(90));
        Number("p99_us", histogram.Percentile(99));
        Number("p999_us", histogram.Percentile(99.9));
        Number("most_us", histogram.Maximum);
        json.WriteEndObject();
    }

    /// <summary>How often which status ended an operation.</summary>
    public void Refusals(long[] refused)
    {
        json.WriteStartObject("refused");
        for (var status = 0; status < refused.Length; status++)
        {
            if (refused[status] == 0) continue;
            Number(status.ToString(CultureInfo.InvariantCulture), refused[status]);
            Say($"  {(status == 0 ? "without what it needs" : $"status {status}")}: {refused[status]}");
        }
        json.WriteEndObject();
    }

    /// <summary>Begins and ends a part of its own.</summary>
    public void Begin(string name) => json.WriteStartObject(name);

    /// <summary>Ends it.</summary>
    public void End() => json.WriteEndObject();

    /// <summary>Writes the file, if one was asked for.</summary>
    public void Write(string file)
    {
        json.WriteEndObject();
        json.Flush();
        if (file.Length > 0) File.WriteAllBytes(file, bytes.ToArray());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        json.Dispose();
        bytes.Dispose();
    }
}
