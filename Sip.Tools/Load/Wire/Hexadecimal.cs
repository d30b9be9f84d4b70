using System.Buffers.Text;

namespace Sip.Tools.Load.Wire;

/// <summary>Reading the eight hexadecimal digits that <see cref="Outgoing.Hex"/> writes.</summary>
internal static class Hexadecimal
{
    /// <summary>The number, if all eight are digits.</summary>
    public static bool Read(ReadOnlySpan<byte> digits, out uint number) =>
        Utf8Parser.TryParse(digits, out number, out var used, 'x') && used == 8;
}
