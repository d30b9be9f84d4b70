using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using Microsoft.FSharp.Collections;
using Sip.Edge;
using Sip.Routing;
using Sip.Server.Shell;

namespace Sip.Server.Resolving;

/// <summary>Asks the domain name system what the domain wants to know, each question for at most a second.</summary>
public sealed class Resolver(Func<IDnsQuery> dns, Clock clock)
{
    /// <summary>How long one question may take, its repetition included.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(1);

    // How long a name counts that only this machine's own list of hosts knows.
    private const long hostsCount = 30;

    private readonly Lazy<IDnsQuery> dns = new(dns);

    /// <summary>A resolver that asks the machine's own name servers.</summary>
    public static Resolver OfMachine(Clock clock) => new(() => new LookupClient(Options()), clock);

    /// <summary>Options for a client that asks twice within the deadline; the answers are kept by the domain.</summary>
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

    /// <summary>The answer to a question, as the domain takes it.</summary>
    public async Task<Input> AskAsync(Question question, CancellationToken cancel)
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
            var response = await dns.Value.QueryAsync(name, type, cancellationToken: either.Token);
            var told = Read(question, type, response);
            return told.Answer.IsNoSuchName ? await KnownHereAsync(told, name, type, either.Token) : told;
        }
        catch (Exception failure) when (failure is DnsResponseException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            return Tell(question, Answer.Failed, 0);
        }
    }

    private static Input.Answered Read(Question question, QueryType type, IDnsQueryResponse response)
    {
        var wanted = response.Answers.Where(record => (int)record.RecordType == (int)type).ToList();
        if (response.HasError && response.Header.ResponseCode != DnsHeaderResponseCode.NotExistentDomain)
            return Tell(question, Answer.Failed, 0);
        return wanted.Count == 0
            ? Tell(question, Answer.NoSuchName, Absence(response))
            : Tell(question, Records(type, wanted), response.Answers.Min(record => record.InitialTimeToLive));
    }

    // A name that no name server knows may stand in the machine's own list of hosts.
    private static async Task<Input.Answered> KnownHereAsync(Input.Answered absent, string name, QueryType type, CancellationToken cancel)
    {
        if (type is not (QueryType.A or QueryType.AAAA)) return absent;
        try
        {
            var family = type == QueryType.A ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
            var found = await Dns.GetHostAddressesAsync(name, family, cancel);
            return found.Length == 0 ? absent : Tell(absent.Question, Addresses(found), hostsCount);
        }
        catch (SocketException)
        {
            return absent;
        }
    }

    // RFC 2308 §5: the smaller of the SOA's own time to live and its minimum; half a minute without one.
    private static long Absence(IDnsQueryResponse response) =>
        response.Authorities.OfType<SoaRecord>().Select(soa => Math.Min(soa.InitialTimeToLive, (long)soa.Minimum)).FirstOrDefault(30);

    private static Answer Records(QueryType type, List<DnsResourceRecord> records) => type switch
    {
        QueryType.NAPTR => Answer.NewNaptr(ListModule.OfSeq(records.OfType<NAPtrRecord>().Select(Rule))),
        QueryType.SRV => Answer.NewSrv(ListModule.OfSeq(records.OfType<DnsClient.Protocol.SrvRecord>().Select(Server))),
        _ => Addresses(records.OfType<AddressRecord>().Select(record => record.Address)),
    };

    private static Answer Addresses(IEnumerable<IPAddress> found) =>
        Answer.NewAddresses(ListModule.OfSeq(found.Select(AddressModule.ofIPAddress)));

    private static Input.Answered Tell(Question question, Answer answer, long seconds) =>
        (Input.Answered)Input.NewAnswered(question, answer, seconds);

    private static NaptrRecord Rule(NAPtrRecord record) =>
        new(record.Order, record.Preference, record.Flags, record.Services, record.Replacement.Value);

    private static Sip.Routing.SrvRecord Server(DnsClient.Protocol.SrvRecord record) =>
        new(record.Priority, record.Weight, record.Port, record.Target.Value);
}
