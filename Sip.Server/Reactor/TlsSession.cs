using System.Runtime.InteropServices;

namespace Sip.Server.Reactor;

/// <summary>What became of an attempt to move bytes.</summary>
internal enum Moved
{
    /// <summary>Some were moved.</summary>
    Some,
    /// <summary>None before the socket becomes readable.</summary>
    WantsRead,
    /// <summary>None before the socket becomes writable.</summary>
    WantsWrite,
    /// <summary>The other side sends no more.</summary>
    End,
    /// <summary>The connection is broken.</summary>
    Broken,
}

/// <summary>The bytes of one TLS connection. OpenSSL's queue of errors belongs to the thread, so it is cleared before each call.</summary>
internal static unsafe class TlsSession
{
    /// <summary>Goes on shaking hands; some moved means that it is done.</summary>
    public static Moved Shake(nint session)
    {
        Libssl.ERR_clear_error();
        return Outcome(session, Libssl.SSL_do_handshake(session));
    }

    /// <summary>Reads at most a record.</summary>
    public static Moved Read(nint session, byte* buffer, int length, out int count)
    {
        Libssl.ERR_clear_error();
        count = Libssl.SSL_read(session, buffer, length);
        return Outcome(session, count);
    }

    /// <summary>Writes at most a record; to be repeated with the same bytes, and more behind them, until it takes them.</summary>
    public static Moved Write(nint session, byte* buffer, int length, out int count)
    {
        Libssl.ERR_clear_error();
        count = Libssl.SSL_write(session, buffer, length);
        return Outcome(session, count);
    }

    /// <summary>Whether bytes have left the socket that nobody has read.</summary>
    public static bool HasMore(nint session) => Libssl.SSL_has_pending(session) == 1;

    /// <summary>Tells the other side that no more will come.</summary>
    public static void Shut(nint session)
    {
        Libssl.ERR_clear_error();
        Libssl.SSL_shutdown(session);
    }

    /// <summary>The certificate that the other side has shown, in DER; empty for none.</summary>
    public static byte[] PeerCertificate(nint session)
    {
        var certificate = Libssl.SSL_get1_peer_certificate(session);
        if (certificate == 0) return [];
        var der = new byte[Libssl.i2d_X509(certificate, null)];
        fixed (byte* start = der)
        {
            var at = start;
            Libssl.i2d_X509(certificate, &at);
        }
        Libssl.X509_free(certificate);
        return der;
    }

    /// <summary>Why the last call failed.</summary>
    public static string Words(nint session)
    {
        var verdict = Libssl.SSL_get_verify_result(session);
        var words = Libssl.Words();
        return verdict == 0 ? words : Marshal.PtrToStringUTF8((nint)Libssl.X509_verify_cert_error_string(verdict)) ?? words;
    }

    private static Moved Outcome(nint session, int result)
    {
        if (result > 0) return Moved.Some;
        return Libssl.SSL_get_error(session, result) switch
        {
            Libssl.WantRead => Moved.WantsRead,
            Libssl.WantWrite => Moved.WantsWrite,
            Libssl.ZeroReturn => Moved.End,
            _ => Moved.Broken,
        };
    }
}
