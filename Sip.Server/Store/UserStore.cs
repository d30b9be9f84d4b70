using Microsoft.Data.Sqlite;
using Sip.Identity;

namespace Sip.Server.Store;

/// <summary>Users and the server's secret in a folder, so that they outlive the process (SQLite).</summary>
public sealed class UserStore : IDisposable
{
    private readonly SqliteConnection database;

    /// <summary>Opens the folder's store, making both if they are not there.</summary>
    public UserStore(string folder)
    {
        Directory.CreateDirectory(folder);
        var file = Path.Combine(folder, "sip.db");
        database = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file }.ToString());
        database.Open();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        Run("PRAGMA journal_mode = WAL");
        Run("CREATE TABLE IF NOT EXISTS subscriber (realm TEXT, user TEXT, md5 TEXT, sha256 TEXT, PRIMARY KEY (realm, user))");
        // A store from before SHA-512-256 was known.
        if (!Has("subscriber", "sha512")) Run("ALTER TABLE subscriber ADD COLUMN sha512 TEXT NOT NULL DEFAULT ''");
        Run("CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB)");
    }

    /// <summary>The secret that everything recognisable is derived from; made once.</summary>
    public byte[] Secret(Func<byte[]> make)
    {
        using var read = Command("SELECT value FROM secret WHERE name = 'realm'");
        if (read.ExecuteScalar() is byte[] kept) return kept;
        var made = make();
        Run("INSERT INTO secret (name, value) VALUES ('realm', $value)", ("$value", made));
        return made;
    }

    /// <summary>Every user of the realm.</summary>
    public IEnumerable<Subscriber> All(string realm)
    {
        using var read = Command("SELECT user, md5, sha256, sha512 FROM subscriber WHERE realm = $realm", ("$realm", realm));
        using var rows = read.ExecuteReader();
        while (rows.Read())
        {
            yield return new Subscriber(
                rows.GetString(0),
                realm,
                rows.GetString(0),
                SubscriberModule.unending,
                Ha1Module.tryRead(Algorithm.Md5, rows.GetString(1)),
                Ha1Module.tryRead(Algorithm.Sha256, rows.GetString(2)),
                Ha1Module.tryRead(Algorithm.Sha512, rows.GetString(3)));
        }
    }

    /// <summary>Keeps a user, or the user's new password.</summary>
    public void Keep(Subscriber subscriber) =>
        Run(
            "INSERT OR REPLACE INTO subscriber (realm, user, md5, sha256, sha512) VALUES ($realm, $user, $md5, $sha256, $sha512)",
            ("$realm", subscriber.Realm),
            ("$user", subscriber.User),
            ("$md5", subscriber.Md5.IsSome ? Ha1Module.expose(subscriber.Md5.Value) : ""),
            ("$sha256", subscriber.Sha256.IsSome ? Ha1Module.expose(subscriber.Sha256.Value) : ""),
            ("$sha512", subscriber.Sha512.IsSome ? Ha1Module.expose(subscriber.Sha512.Value) : ""));

    /// <inheritdoc/>
    public void Dispose() => database.Dispose();

    private bool Has(string table, string column)
    {
        using var asked = Command("SELECT 1 FROM pragma_table_info($table) WHERE name = $column", ("$table", table), ("$column", column));
        return asked.ExecuteScalar() is not null;
    }

    private void Run(string sql, params (string Name, object Value)[] values)
    {
        using var command = Command(sql, values);
        command.ExecuteNonQuery();
    }

    private SqliteCommand Command(string sql, params (string Name, object Value)[] values)
    {
        var command = database.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value);
        return command;
    }
}
