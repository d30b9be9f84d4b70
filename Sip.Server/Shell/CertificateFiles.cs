using System.Security.Cryptography;
using System.Text;
using Sip.Identity;

namespace Sip.Server.Shell;

/// <summary>The operator's certificates and keys in PEM files: named one by one, or all that a folder has.</summary>
public sealed class CertificateFiles(IReadOnlyList<string> certificates, IReadOnlyList<string> keys, string folder)
{
    private const int most = 1 << 20;
    private byte[] seen = [];

    /// <summary>Whether there are any to look at.</summary>
    public bool IsNone => certificates.Count == 0 && folder.Length == 0;

    /// <summary>What the files have; none where that is what they had when they were last read.</summary>
    public IReadOnlyList<Found<TlsIdentity>>? Changed()
    {
        var found = new List<Found<TlsIdentity>>();
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < Math.Min(certificates.Count, keys.Count); i++)
            found.Add(Read($"--certificate {certificates[i]} and --key {keys[i]}", certificates[i], keys[i], all));
        if (folder.Length > 0) ReadFolder(found, all);
        var now = all.GetHashAndReset();
        if (now.AsSpan().SequenceEqual(seen)) return null;
        seen = now;
        return found;
    }

    private void ReadFolder(List<Found<TlsIdentity>> found, IncrementalHash all)
    {
        try
        {
            var deep = new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 };
            var names = Directory.EnumerateFiles(folder, "*", deep).Select(file => Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/'));
            var files = PairFilesModule.among([.. names]);
            foreach (var pair in files.Pairs)
                found.Add(Read($"{pair.Certificate} and {pair.Key} in {folder}", Path.Combine(folder, pair.Certificate), Path.Combine(folder, pair.Key), all));
            foreach (var alone in files.Alone)
                found.Add(Broken($"{alone} in {folder}", "the other half of the pair is missing: a certificate is NAME.pem or NAME.crt, its key NAME.key", all));
            if (found.Count == 0) found.Add(Broken($"--certificate-folder {folder}", "it has no NAME.pem with its NAME.key", all));
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException)
        {
            found.Add(Broken($"--certificate-folder {folder}", wrong.Message, all));
        }
    }

    private static Found<TlsIdentity> Read(string source, string certificate, string key, IncrementalHash all)
    {
        try
        {
            var identity = TlsIdentity.Of(Text(certificate, all), Text(key, all));
            return Found<TlsIdentity>.NewPair(new Held<TlsIdentity>(source, identity.Leaf, identity));
        }
        catch (Exception wrong) when (wrong is CryptographicException or System.Formats.Asn1.AsnContentException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            return Broken(source, wrong.Message, all);
        }
    }

    private static Found<TlsIdentity> Broken(string source, string words, IncrementalHash all)
    {
        all.AppendData(Encoding.UTF8.GetBytes(source + words));
        return Found<TlsIdentity>.NewBroken(source, words);
    }

    private static string Text(string file, IncrementalHash all)
    {
        using var stream = File.OpenRead(file);
        if (stream.Length > most) throw new IOException("it is larger than a certificate can be");
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var text = reader.ReadToEnd();
        all.AppendData(Encoding.ASCII.GetBytes(text));
        all.AppendData([0]);
        return text;
    }
}
