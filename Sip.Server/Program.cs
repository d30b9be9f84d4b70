using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Sip;
using Sip.Edge;
using Sip.Registrar;
using Sip.Routing;
using Sip.Server.Admin;
using Sip.Server.Options;
using Sip.Server.Pages;
using Sip.Server.Portable;
using Sip.Server.Reactor;
using Sip.Server.Resolving;
using Sip.Server.Shell;
using Sip.Server.Store;
using Sip.Transactions;
using Sip.Wire;

if (args.Contains("--help"))
{
    Console.Write(CommandLine.Help());
    return 0;
}

var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
builder.Logging.ClearProviders().AddConsole(console => console.FormatterName = LineFormatter.Called);
builder.Services.AddSingleton<ConsoleFormatter, LineFormatter>();
builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
// What keeps the server from starting is said in one sentence below, not once more as a stack trace.
builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);

var isCheck = args.Contains("--check");
var (keys, problems) = CommandLine.Read([.. args.Where(word => word != "--check")]);
builder.Configuration.AddInMemoryCollection(keys);
var options = new ServerOptions();
problems.AddRange(CommandLine.Unknown(builder.Configuration.GetSection("Sip")));
try
{
    builder.Configuration.GetSection("Sip").Bind(options);
}
catch (InvalidOperationException unreadable)
{
    problems.Add(unreadable.Message);
}
Configuring.Complete(options);
problems.AddRange(Configuring.Problems(options));
var secrets = Secrets.Take(options);
var issuer = secrets.Issuer(options, problems);

var certificates = new CertificateWatch(new CertificateFiles(options.Certificate, options.Key, options.CertificateFolder), TimeProvider.System);
problems.AddRange(certificates.Begin());
using var store = isCheck ? null : Configuring.Store(options, problems);
var secret = store?.Secret(() => RandomNumberGenerator.GetBytes(32)) ?? RandomNumberGenerator.GetBytes(32);
var clock = new Clock(TimeProvider.System);
var configured = SetupModule.configure(await Configuring.WishesAsync(options, issuer, secret, clock));
if (configured is Configured.Invalid { Problems: var more }) problems.AddRange(more);
if (problems.Count > 0 || configured is not Configured.Ready { Setup: var setup })
{
    foreach (var problem in problems) Console.Error.WriteLine(problem);
    return 2;
}

if (isCheck)
{
    foreach (var sentence in Explaining.sentences(setup)) Console.WriteLine(sentence);
    foreach (var (name, days) in certificates.DaysLeft) Console.WriteLine($"shows the certificate of {name}, for {days} days yet");
    return 0;
}

var resolver = Resolver.OfMachine(clock);
var realm = setup.Realm;
var pages = Configuring.Pages(options)!;
var admin = Configuring.Admin(options);
var memory = new Memory(options.MemoryLimit, clock);
var users = new Users(RealmModule.name(realm), store);
if (!certificates.IsWatching && setup.Openings.Any(opening => opening.IsSecure)) certificates.Use(ForDevelopment());
var onReactor = options.Shell == "reactor" || (options.Shell == "auto" && ReactorEdge.IsPossible);

PortableEdge? portable = null;
builder.WebHost.UseKestrelHttpsConfiguration();
builder.WebHost.UseSockets(sockets => (sockets.Backlog, sockets.CreateBoundListenSocket) = (ListeningSocket.Backlog, ListeningSocket.Open));
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    // What is kept from SIP's clients is not the pages' alone.
    if (onReactor) kestrel.Limits.MaxConcurrentConnections = Math.Clamp(Descriptors.Kept / 2, 8, 512);
    kestrel.Listen(pages, listen => listen.Protocols = HttpProtocols.Http1);
    if (admin is not null) kestrel.Listen(admin, listen => listen.Protocols = HttpProtocols.Http1);
    foreach (var opening in setup.Openings.Where(opening => !opening.IsDatagram && !onReactor))
    {
        kestrel.Listen(new IPEndPoint(AddressModule.toIPAddress(opening.Bound.Address), opening.Bound.Port), listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => Announcing.GoOnAsync(portable!, connection, next));
            if (opening.IsSecure)
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = TimeSpan.FromMilliseconds(Patience.securing),
                    OnConnection = hello => ValueTask.FromResult(portable!.Shaking(opening, hello.ClientHelloInfo.ServerName)),
                });
            listen.Run(connection => portable!.AcceptAsync(opening, connection));
        });
    }
});
builder.Services.AddHostFiltering(filter => filter.AllowedHosts = IPAddress.IsLoopback(pages.Address) ? ["localhost", "127.0.0.1", "[::1]"] : ["*"]);

var app = builder.Build();
var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Sip");
var nftables = options.Firewall == "nft" ? new Nftables(log) : null;
var patience = TimeSpan.FromSeconds(options.StopSeconds);
IEdge edge = onReactor ? OnReactor() : portable = OnKestrel();
await users.BeginAsync(edge, secrets.Users);
var guests = setup.IsLocal && IPAddress.IsLoopback(pages.Address) && users.Count == 0;
var webSockets = realm.Listeners.Where(listener => TransportModule.isWebSocket(listener.Transport)).Select(Address).ToArray();
app.UseHostFiltering();
var token = options.AdminToken.Length > 0 ? options.AdminToken : options.Data.Length > 0 && admin is not null ? AdminToken.Kept(options.Data) : AdminToken.Make();
if (admin is not null) new AdminSite(new AdminToken(token), AdminSite.Routes(edge, certificates, memory)).Serve(app, admin.Port);
Api.Map(
    app, edge, users,
    new Settings(RealmModule.name(realm), webSockets, guests, [.. options.Ice.Where(url => !url.StartsWith("turn", StringComparison.OrdinalIgnoreCase)).Select(url => new IceServer(url))]),
    new Health(realm, options.HostName.FirstOrDefault(), options.Path.FirstOrDefault("/"), certificates, clock.Time, log),
    new Credentials(issuer!, Sip.Identity.TemporaryKey.Of(secret), RealmModule.name(realm), [.. webSockets.OrderByDescending(url => url.StartsWith("wss:", StringComparison.Ordinal))], options.Ice, secrets.Turn, clock.Time));

try
{
    await edge.StartAsync(CancellationToken.None);
    if (!onReactor) await edge.ShowAsync(certificates.Shown);
    await app.StartAsync();
}
catch (Exception busy) when (busy is IOException or System.Net.Sockets.SocketException)
{
    Console.Error.WriteLine($"Cannot listen: {busy.Message} Choose other addresses with --listen, --pages and --admin.");
    return 1;
}
if (options.UnsafeNoAuth) log.Advice("--unsafe-no-auth: anybody may register as anybody and be relayed anywhere");
if (!setup.IsLocal && users.Count == 0 && !options.UnsafeNoAuth) log.Advice("nobody can sign in yet: add users with --user name:password");
Console.WriteLine($"ready {string.Join(' ', realm.Listeners.Select(Listening.name))} http://{pages}/");
if (admin is not null)
{
    var shown = options.AdminToken.Length > 0 ? "the token that was set" : options.Data.Length > 0 ? $"the token in {AdminToken.FileIn(options.Data)}" : $"the token {token}";
    Console.WriteLine($"admin http://{admin}/ with {shown}");
}
// What only the start needed is given back.
GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
if (guests) Console.WriteLine($"Open http://{pages}/ in two tabs and call from one to the other.");

if (certificates.IsWatching) _ = certificates.RunAsync(edge.ShowAsync, log, app.Lifetime.ApplicationStopping);
_ = memory.WatchAsync(edge, log, app.Lifetime.ApplicationStopping);
using var notice = ServiceNotice.OfEnvironment();
notice?.Say("READY=1");
if (notice is not null && ServiceNotice.Pace() is { } pace) _ = notice.WatchAsync(edge, pace, clock.Time, app.Lifetime.ApplicationStopping);
var stopped = new TaskCompletionSource();
app.Lifetime.ApplicationStopping.Register(() =>
{
    notice?.Say("STOPPING=1");
    edge.StopAsync().GetAwaiter().GetResult();
    stopped.TrySetResult();
});
await app.WaitForShutdownAsync();
await stopped.Task;
portable?.Dispose();
return 0;

ReactorEdge OnReactor()
{
    var trusted = options.Trust.Length > 0 ? File.ReadAllText(options.Trust) : "";
    return new ReactorEdge(
        setup,
        [.. ShardingModule.all(Configuring.Shards(options)!.Value).Select(sharding => new LedgerConductor(Ledger(sharding), resolver, log, nftables))],
        clock,
        new ReactorSettings
        {
            QueueBytes = options.QueueBytes,
            Nftables = nftables,
            Tls = TlsContexts.Of(realm, certificates.Shown, trusted),
            Trusted = trusted,
        },
        patience,
        log);
}

PortableEdge OnKestrel()
{
    var trusted = new X509Certificate2Collection();
    if (options.Trust.Length > 0) trusted.ImportFromPemFile(options.Trust);
    return new PortableEdge(setup, Ledger(ShardingModule.alone), resolver, clock, new StreamSettings { QueueBytes = options.QueueBytes, Trusted = trusted }, patience, log) { Nftables = nftables };
}

Ledger Ledger(Sharding sharding) => new(realm, TimingModule.usual, setup.Policy, setup.Bounds, sharding);

X509Certificate2 ForDevelopment() =>
    Certificates.ForDevelopment(options.Data, realm.Listeners.Select(listener => HostModule.print(listener.AdvertisedHost)), clock.Time.GetUtcNow());

string Address(Listener listener) =>
    $"{TransportModule.inVia(listener.Transport).ToLowerInvariant()}://{HostModule.print(listener.AdvertisedHost)}:{listener.AdvertisedPort}{options.Path.FirstOrDefault("/")}";
