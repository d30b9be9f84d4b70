using DnsClient;
using DnsClient.Protocol;
using Sip.Edge;
using Sip.Routing;
using Sip.Server.Shell;

namespace Sip.Server.Resolving;

/// <summary>Asks the domain name system what the domain wants to know, each question for at most a second.</summary>
public sealed class Resolver(Locator locator, IDnsQuery dns, Clock clock)
{
    /// <summary>How long one question may take, its repetition included.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    // More rounds than any URI needs: a bound for the loop, not a limit that is met.
    private const int Most = 8;

    private readonly Lock gate = new();

    /// <summary>Options for a client that asks twice within the deadline; the answers are kept by the locator.</summary>
    public static LookupClientOptions Options(params NameServer[] servers)
    {
        var options = servers.Length == 0 ? new LookupClientOptions() : new LookupClientOptions(servers);
        options.Timeout = Deadline / 2;
        options.Retries = 1;
        options.UseCache = false;
        options.ThrowDnsErrors = false;
        options.ContinueOnDnsError = false;
        options.ContinueOnEmptyResponse = false;
        return options;
    }

    /// <summary>Where a URI leads, or why nowhere; the seed decides among equals.</summary>
    public async Task<Resolved> ResolveAsync(SipUri uri, ulong seed, CancellationToken cancel)
    {
        var resolved = Locate(uri, seed);
        for (var round = 0; round < Most && resolved is Resolved.Ask asking; round++)
        {
            await Task.WhenAll(asking.Questions.Select(question => AskAsync(question, cancel)));
            resolved = Locate(uri, seed);
        }
        return resolved;
    }

    private Resolved Locate(SipUri uri, ulong seed)
    {
        lock (gate) return locator.Locate(clock.Now, seed, uri);
    }

    private async Task AskAsync(Question question, CancellationToken cancel)
    {
        var (name, type) = question switch
        {
            Question.Naptr rules => (rules.Name, QueryType.NAPTR),
            Question.Srv servers => (servers.Name, QueryType.SRV),
            Question.A addresses => (addresses.Name, QueryType.A),
            Question.Aaaa addresses => (addresses.Name, QueryType.AAAA),
            _ => throw new InvalidOperationException($"No question: {question}"),
        };
        using var deadline = new CancellationTokenSource(Deadline, clock.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancel);
        try
        {
            var response = await dns.QueryAsync(name, type, cancellationToken: either.Token);
            lock (gate) Learn(question, type, response);
        }
        catch (Exception failure) when (failure is DnsResponseException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            lock (gate) locator.LearnFailure(clock.Now, question);
        }
    }

    private void Learn(Question question, QueryType type, IDnsQueryResponse response)
    {
        var wanted = response.Answers.Where(record => (int)record.RecordType == (int)type).ToList();
        if (response.HasError && response.Header.ResponseCode != DnsHeaderResponseCode.NotExistentDomain)
            locator.LearnFailure(clock.Now, question);
        else if (wanted.Count == 0)
            locator.LearnAbsence(clock.Now, question, Absence(response));
        else
            LearnRecords(question, wanted, response.Answers.Min(record => record.InitialTimeToLive));
    }

    // RFC 2308 §5: the smaller of the SOA's own time to live and its minimum; half a minute without one.
    private static long Absence(IDnsQueryResponse response) =>
        response.Authorities.OfType<SoaRecord>().Select(soa => Math.Min(soa.InitialTimeToLive, (long)soa.Minimum)).FirstOrDefault(30);

    private void LearnRecords(Question question, List<DnsResourceRecord> records, long seconds)
    {
        var now = clock.Now;
        if (question.IsNaptr)
            locator.LearnRules(now, question, records.OfType<NAPtrRecord>().Select(Rule), seconds);
        else if (question.IsSrv)
            locator.LearnServers(now, question, records.OfType<DnsClient.Protocol.SrvRecord>().Select(Server), seconds);
        else
            locator.LearnAddresses(now, question, records.OfType<AddressRecord>().Select(record => record.Address), seconds);
    }

    private static NaptrRecord Rule(NAPtrRecord record) =>
        new(record.Order, record.Preference, record.Flags, record.Services, record.Replacement.Value);

    private static Sip.Routing.SrvRecord Server(DnsClient.Protocol.SrvRecord record) =>
        new(record.Priority, record.Weight, record.Port, record.Target.Value);
}
