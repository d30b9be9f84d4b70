using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Sip.Server.Reactor;

/// <summary>
/// What TLS connections have in common (an SSL_CTX): TLS 1.2 and 1.3, no tickets, no sessions kept, no
/// renegotiation. Its connections hold it too, so that it may be replaced while they live.
/// </summary>
public sealed unsafe class TlsContext : IDisposable
{
    private readonly nint context;
    private readonly TlsContext[] others;
    private readonly X509Certificate2? certificate;
    private GCHandle self;

    private TlsContext(nint method, TlsIdentity? identity, TlsContext[] others)
    {
        this.others = others;
        Libssl.ERR_clear_error();
        context = Libssl.SSL_CTX_new(method);
        Check(context != 0);
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlMinimumVersion, Libssl.Tls12, 0);
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlMode, Libssl.PartialWrite | Libssl.MovingBuffer | Libssl.ReleaseBuffers, 0);
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlSessionCache, 0, 0);
        // One read takes the head and the body of a record.
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlReadAhead, 1, 0);
        Libssl.SSL_CTX_set_options(context, Libssl.NoTicket | Libssl.NoRenegotiation | Libssl.ServerPreference | Libssl.IgnoreUnexpectedEnd);
        Libssl.SSL_CTX_set_num_tickets(context, 0);
        if (identity is null) return;
        certificate = X509Certificate2.CreateFromPem(identity.Certificates);
        Use(identity);
    }

    /// <summary>For accepted connections: the first identity, or the one whose certificate bears the name that the client asks for.</summary>
    public static TlsContext ForServer(params IReadOnlyList<TlsIdentity> identities)
    {
        // Without this, OpenSSL takes itself down at exit under threads that still use it.
        Check(Libssl.OPENSSL_init_ssl(Libssl.NoAtExit, 0) == 1);
        var others = identities.Skip(1).Select(identity => new TlsContext(Libssl.TLS_server_method(), identity, [])).ToArray();
        var first = new TlsContext(Libssl.TLS_server_method(), identities[0], others);
        if (others.Length > 0) first.ChooseByName();
        return first;
    }

    /// <summary>For dialled connections, whose certificate must come from one of these authorities (PEM); with none, from one of the system's.</summary>
    public static TlsContext ForClient(string trusted)
    {
        Check(Libssl.OPENSSL_init_ssl(Libssl.NoAtExit, 0) == 1);
        var client = new TlsContext(Libssl.TLS_client_method(), null, []);
        Libssl.SSL_CTX_set_verify(client.context, Libssl.VerifyPeer, 0);
        if (trusted.Length == 0) Libssl.SSL_CTX_set_default_verify_paths(client.context);
        Read(trusted, certificate =>
        {
            Libssl.X509_STORE_add_cert(Libssl.SSL_CTX_get_cert_store(client.context), certificate);
            Libssl.X509_free(certificate);
        });
        return client;
    }

    /// <summary>A session that waits for the client's first bytes.</summary>
    internal nint Accept(int descriptor)
    {
        var session = New(descriptor);
        Libssl.SSL_set_accept_state(session);
        return session;
    }

    /// <summary>A session that will speak first, to the host of this name or address and to nobody else.</summary>
    internal nint Dial(int descriptor, Host host)
    {
        var session = New(descriptor);
        Libssl.SSL_set_connect_state(session);
        var text = host is Host.Address { Address: var address } ? AddressModule.print(address) : HostModule.print(host);
        fixed (byte* name = Encoding.ASCII.GetBytes(text + "\0"))
        {
            if (host.IsAddress)
            {
                Check(Libssl.X509_VERIFY_PARAM_set1_ip_asc(Libssl.SSL_get0_param(session), name) == 1);
                return session;
            }
            Libssl.SSL_ctrl(session, Libssl.ControlServerName, 0, name);
            Libssl.SSL_set_hostflags(session, Libssl.NoPartialWildcards);
            Check(Libssl.SSL_set1_host(session, name) == 1);
        }
        return session;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlServerNameArgument, 0, 0);
        Libssl.SSL_CTX_callback_ctrl(context, Libssl.ControlServerNameCallback, 0);
        Libssl.SSL_CTX_free(context);
        if (self.IsAllocated) self.Free();
        certificate?.Dispose();
        foreach (var other in others) other.Dispose();
    }

    private nint New(int descriptor)
    {
        Libssl.ERR_clear_error();
        var session = Libssl.SSL_new(context);
        Check(session != 0 && Libssl.SSL_set_fd(session, descriptor) == 1);
        return session;
    }

    private void Use(TlsIdentity identity)
    {
        var first = true;
        Read(identity.Certificates, read =>
        {
            // The first is our own; the chain behind it is given away.
            if (!first)
            {
                Libssl.SSL_CTX_ctrl(context, Libssl.ControlExtraChain, 0, read);
                return;
            }
            first = false;
            Check(Libssl.SSL_CTX_use_certificate(context, read) == 1);
            Libssl.X509_free(read);
        });
        fixed (byte* text = Encoding.ASCII.GetBytes(identity.Key))
        {
            var bytes = Libssl.BIO_new_mem_buf(text, identity.Key.Length);
            var key = Libssl.PEM_read_bio_PrivateKey(bytes, 0, 0, 0);
            Libssl.BIO_free(bytes);
            Check(key != 0 && Libssl.SSL_CTX_use_PrivateKey(context, key) == 1);
            Libssl.EVP_PKEY_free(key);
        }
        Check(Libssl.SSL_CTX_check_private_key(context) == 1);
    }

    private static void Read(string pem, Action<nint> take)
    {
        fixed (byte* text = Encoding.ASCII.GetBytes(pem + "\n"))
        {
            var bytes = Libssl.BIO_new_mem_buf(text, pem.Length);
            while (Libssl.PEM_read_bio_X509(bytes, 0, 0, 0) is var certificate and not 0) take(certificate);
            Libssl.BIO_free(bytes);
        }
        Libssl.ERR_clear_error();
    }

    private void ChooseByName()
    {
        self = GCHandle.Alloc(this);
        delegate* unmanaged[Cdecl]<nint, int*, nint, int> named = &Named;
        Libssl.SSL_CTX_callback_ctrl(context, Libssl.ControlServerNameCallback, (nint)named);
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlServerNameArgument, 0, GCHandle.ToIntPtr(self));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Named(nint session, int* alert, nint argument)
    {
        const int noAcknowledgement = 3, fine = 0;
        if (GCHandle.FromIntPtr(argument).Target is not TlsContext first) return noAcknowledgement;
        if (Marshal.PtrToStringUTF8((nint)Libssl.SSL_get_servername(session, 0)) is not { } name) return noAcknowledgement;
        if (first.Bears(name)) return fine;
        if (Array.Find(first.others, other => other.Bears(name)) is { } chosen) Libssl.SSL_set_SSL_CTX(session, chosen.context);
        return fine;
    }

    // A client says what it likes; a name that cannot be one is nobody's.
    private bool Bears(string name) => System.Uri.CheckHostName(name) == UriHostNameType.Dns && certificate!.MatchesHostname(name);

    private static void Check(bool succeeded)
    {
        if (!succeeded) throw new AuthenticationException(Libssl.Words());
    }
}
