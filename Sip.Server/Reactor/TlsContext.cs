using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using System.Text;
using Sip.Identity;
using Sip.Server.Shell;

namespace Sip.Server.Reactor;

/// <summary>
/// What TLS connections have in common (an SSL_CTX): TLS 1.2 and 1.3 with forward secrecy, no tickets, no sessions
/// kept, no renegotiation (RFC 9325). Its connections hold it too, so that it may be replaced while they live; it may
/// be disposed of once no handshake that began with it goes on.
/// </summary>
public sealed unsafe class TlsContext : IDisposable
{
    // TLS 1.3 has no suite without forward secrecy; these are those of 1.2, the cheapest key first.
    private const string suites =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:" +
        "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305\0";

    /// <summary>Certificates between a peer's own and its authority's, and bytes of all that it shows.</summary>
    private const int deepest = 4, longest = 32768;

    private readonly nint context;
    private TlsContext[] others = [];
    private Showing? showing;
    private GCHandle self;

    private TlsContext(nint method, IEnumerable<TlsIdentity> identities)
    {
        Libssl.ERR_clear_error();
        context = Libssl.SSL_CTX_new(method);
        Check(context != 0);
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlMinimumVersion, Libssl.Tls12, 0);
        fixed (byte* list = Encoding.ASCII.GetBytes(suites)) Check(Libssl.SSL_CTX_set_cipher_list(context, list) == 1);
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlMode, Libssl.PartialWrite | Libssl.MovingBuffer | Libssl.ReleaseBuffers, 0);
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlSessionCache, 0, 0);
        // One read takes the head and the body of a record.
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlReadAhead, 1, 0);
        Libssl.SSL_CTX_set_options(context, Libssl.NoTicket | Libssl.NoRenegotiation | Libssl.ServerPreference | Libssl.IgnoreUnexpectedEnd);
        Libssl.SSL_CTX_set_num_tickets(context, 0);
        foreach (var identity in identities) Use(identity);
    }

    /// <summary>For accepted connections: the first identity, or the one whose certificate bears the name that the client asks for.</summary>
    public static TlsContext ForServer(params IReadOnlyList<TlsIdentity> identities) => Serving(identities, static _ => { });

    /// <summary>For connections of peers, who have to show a certificate that comes from one of these authorities.</summary>
    public static TlsContext ForTrunk(string trusted, IReadOnlyList<TlsIdentity> identities) =>
        Serving(identities, context => context.Demand(trusted, Libssl.VerifyPeer | Libssl.FailWithoutCertificate));

    /// <summary>
    /// For dialled connections, whose certificate must come from one of these authorities (PEM; with none, from one of
    /// the system's); a peer that asks is shown the first of the identities.
    /// </summary>
    public static TlsContext ForClient(string trusted, IReadOnlyList<TlsIdentity> identities)
    {
        Check(Libssl.OPENSSL_init_ssl(Libssl.NoAtExit, 0) == 1);
        var client = new TlsContext(Libssl.TLS_client_method(), identities.Take(1));
        client.Demand(trusted, Libssl.VerifyPeer);
        return client;
    }

    private static TlsContext Serving(IReadOnlyList<TlsIdentity> identities, Action<TlsContext> demand)
    {
        // Without this, OpenSSL takes itself down at exit under threads that still use it.
        Check(Libssl.OPENSSL_init_ssl(Libssl.NoAtExit, 0) == 1);
        var showing = ShowingModule.ofCertificates([.. identities.Select(identity => identity.Leaf)]);
        var groups = showing.Groups.Select(group => new TlsContext(Libssl.TLS_server_method(), group.Select(place => identities[place]))).ToArray();
        foreach (var group in groups) demand(group);
        var first = groups[0];
        (first.others, first.showing) = (groups, showing);
        if (groups.Length > 1) first.ChooseByName();
        return first;
    }

    private void Demand(string trusted, int mode)
    {
        Libssl.SSL_CTX_set_verify(context, mode, 0);
        Libssl.SSL_CTX_set_verify_depth(context, deepest);
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlLongestChain, longest, 0);
        if (trusted.Length == 0) Libssl.SSL_CTX_set_default_verify_paths(context);
        Read(trusted, certificate =>
        {
            Libssl.X509_STORE_add_cert(Libssl.SSL_CTX_get_cert_store(context), certificate);
            Libssl.X509_free(certificate);
        });
    }

    /// <summary>A session that waits for the client's first bytes.</summary>
    internal nint Accept(int descriptor)
    {
        var session = New(descriptor);
        Libssl.SSL_set_accept_state(session);
        return session;
    }

    /// <summary>A session that will speak first, and ask for the host of this name.</summary>
    internal nint Dial(int descriptor, Host host)
    {
        var session = New(descriptor);
        Libssl.SSL_set_connect_state(session);
        if (host.IsAddress) return session;
        fixed (byte* name = Encoding.ASCII.GetBytes(HostModule.print(host) + "\0")) Libssl.SSL_ctrl(session, Libssl.ControlServerName, 0, name);
        return session;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Libssl.SSL_CTX_ctrl(context, Libssl.ControlServerNameArgument, 0, 0);
        Libssl.SSL_CTX_callback_ctrl(context, Libssl.ControlServerNameCallback, 0);
        Libssl.SSL_CTX_free(context);
        if (self.IsAllocated) self.Free();
        foreach (var other in others.Skip(1)) other.Dispose();
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
                Libssl.SSL_CTX_ctrl(context, Libssl.ControlChain, 0, read);
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
        var chosen = first.others[ShowingModule.choose(first.showing!, name)];
        if (chosen != first) Libssl.SSL_set_SSL_CTX(session, chosen.context);
        return fine;
    }

    private static void Check(bool succeeded)
    {
        if (!succeeded) throw new AuthenticationException(Libssl.Words());
    }
}
