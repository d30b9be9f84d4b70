using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>What a REGISTER is sent for.</summary>
internal enum Purpose : byte { Stay, Leave, LeaveAll }

/// <summary>A user: its link, and its registration.</summary>
internal struct User
{
    /// <summary>The link that is the user's.</summary>
    public Link Link;

    /// <summary>The number of the last REGISTER, and of the attempt that it is part of.</summary>
    public uint Sequence, Attempt;

    /// <summary>When the attempt was to begin.</summary>
    public long Intended;

    /// <summary>What was remembered for signing in.</summary>
    public Login? Login;

    /// <summary>Whether an attempt is under way, whether the user is registered, and whether the REGISTER is signed.</summary>
    public bool IsBusy, IsRegistered, IsSigned;

    /// <summary>How often this attempt was challenged.</summary>
    public byte Challenges;

    /// <summary>How many REGISTERs were sent again whose second answer has not come.</summary>
    public ushort Echoes;

    /// <summary>What the attempt is for.</summary>
    public Purpose Purpose;
}
