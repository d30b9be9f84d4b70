using System.Runtime.InteropServices;

namespace Sip.Server.Reactor;

/// <summary>The calls of OpenSSL 3 (libssl.so.3, libcrypto.so.3) that the reactor needs.</summary>
internal static unsafe partial class Libssl
{
    private const string ssl = "libssl.so.3", crypto = "libcrypto.so.3";

    public const int ErrorSsl = 1, WantRead = 2, WantWrite = 3, ErrorSyscall = 5, ZeroReturn = 6;
    public const int ControlMode = 33, ControlReadAhead = 41, ControlSessionCache = 44, ControlServerNameCallback = 53;
    public const int ControlServerNameArgument = 54, ControlServerName = 55, ControlLongestChain = 51, ControlChain = 89, ControlMinimumVersion = 123;
    public const int PartialWrite = 1, MovingBuffer = 2, ReleaseBuffers = 0x10;
    public const ulong NoTicket = 1UL << 14, NoRenegotiation = 1UL << 30, ServerPreference = 1UL << 22, IgnoreUnexpectedEnd = 1UL << 7;
    public const int Tls12 = 0x0303, VerifyPeer = 1, FailWithoutCertificate = 2;
    public const ulong NoAtExit = 0x00080000;

    /// <summary>Whether this system has it.</summary>
    public static bool IsThere => NativeLibrary.TryLoad(ssl, out _) && NativeLibrary.TryLoad(crypto, out _);

    [LibraryImport(ssl)] public static partial int OPENSSL_init_ssl(ulong options, nint settings);
    [LibraryImport(ssl)] public static partial nint TLS_server_method();
    [LibraryImport(ssl)] public static partial nint TLS_client_method();
    [LibraryImport(ssl)] public static partial nint SSL_CTX_new(nint method);
    [LibraryImport(ssl)] public static partial void SSL_CTX_free(nint context);
    [LibraryImport(ssl)] public static partial nint SSL_CTX_ctrl(nint context, int command, nint number, nint pointer);
    [LibraryImport(ssl)] public static partial nint SSL_CTX_callback_ctrl(nint context, int command, nint callback);
    [LibraryImport(ssl)] public static partial ulong SSL_CTX_set_options(nint context, ulong options);
    [LibraryImport(ssl)] public static partial int SSL_CTX_set_num_tickets(nint context, nuint count);
    [LibraryImport(ssl)] public static partial int SSL_CTX_use_certificate(nint context, nint certificate);
    [LibraryImport(ssl)] public static partial int SSL_CTX_use_PrivateKey(nint context, nint key);
    [LibraryImport(ssl)] public static partial int SSL_CTX_check_private_key(nint context);
    [LibraryImport(ssl)] public static partial int SSL_CTX_set_default_verify_paths(nint context);
    [LibraryImport(ssl)] public static partial nint SSL_CTX_get_cert_store(nint context);
    [LibraryImport(ssl)] public static partial void SSL_CTX_set_verify(nint context, int mode, nint callback);
    [LibraryImport(ssl)] public static partial void SSL_CTX_set_verify_depth(nint context, int depth);
    [LibraryImport(ssl)] public static partial int SSL_CTX_set_cipher_list(nint context, byte* list);
    [LibraryImport(ssl)] public static partial nint SSL_new(nint context);
    [LibraryImport(ssl)] public static partial void SSL_free(nint session);
    [LibraryImport(ssl)] public static partial int SSL_set_fd(nint session, int descriptor);
    [LibraryImport(ssl)] public static partial void SSL_set_accept_state(nint session);
    [LibraryImport(ssl)] public static partial void SSL_set_connect_state(nint session);
    [LibraryImport(ssl)] public static partial nint SSL_ctrl(nint session, int command, nint number, byte* pointer);
    [LibraryImport(ssl)] public static partial nint SSL_set_SSL_CTX(nint session, nint context);
    [LibraryImport(ssl)] public static partial byte* SSL_get_servername(nint session, int kind);
    [LibraryImport(ssl)] public static partial nint SSL_get_verify_result(nint session);
    [LibraryImport(ssl)] public static partial nint SSL_get1_peer_certificate(nint session);
    [LibraryImport(ssl)] public static partial int SSL_do_handshake(nint session);
    [LibraryImport(ssl)] public static partial int SSL_read(nint session, byte* buffer, int length);
    [LibraryImport(ssl)] public static partial int SSL_write(nint session, byte* buffer, int length);
    [LibraryImport(ssl)] public static partial int SSL_has_pending(nint session);
    [LibraryImport(ssl)] public static partial int SSL_shutdown(nint session);
    [LibraryImport(ssl)] public static partial int SSL_get_error(nint session, int result);

    [LibraryImport(crypto)] public static partial void ERR_clear_error();
    [LibraryImport(crypto)] public static partial nuint ERR_peek_error();
    [LibraryImport(crypto)] public static partial byte* ERR_reason_error_string(nuint error);
    [LibraryImport(crypto)] public static partial nint BIO_new_mem_buf(byte* bytes, int length);
    [LibraryImport(crypto)] public static partial int BIO_free(nint bytes);
    [LibraryImport(crypto)] public static partial nint PEM_read_bio_X509(nint bytes, nint into, nint callback, nint argument);
    [LibraryImport(crypto)] public static partial nint PEM_read_bio_PrivateKey(nint bytes, nint into, nint callback, nint argument);
    [LibraryImport(crypto)] public static partial int i2d_X509(nint certificate, byte** into);
    [LibraryImport(crypto)] public static partial void X509_free(nint certificate);
    [LibraryImport(crypto)] public static partial void EVP_PKEY_free(nint key);
    [LibraryImport(crypto)] public static partial int X509_STORE_add_cert(nint store, nint certificate);
    [LibraryImport(crypto)] public static partial byte* X509_verify_cert_error_string(nint code);

    /// <summary>Why the last call failed, in OpenSSL's words.</summary>
    public static string Words()
    {
        var words = Marshal.PtrToStringUTF8((nint)ERR_reason_error_string(ERR_peek_error()));
        ERR_clear_error();
        return words ?? "the connection broke";
    }
}
