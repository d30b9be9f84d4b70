using Sip.Tools.Load.Wire;

namespace Sip.Tools.Load.Play;

/// <summary>Where the caller is.</summary>
internal enum CallerStage : byte { Free, Inviting, Proceeding, Talking, Ending, Asking }

/// <summary>Where the callee is.</summary>
internal enum CalleeStage : byte { Waiting, Ringing, Answered, Confirmed, Ended }

/// <summary>One operation: a call, or a single request. Each side keeps only what it was told by messages.</summary>
internal struct Call
{
    /// <summary>What tells it from those that had the same place before.</summary>
    public uint Generation;

    /// <summary>Who plays.</summary>
    public int Caller, Callee;

    /// <summary>Where they are.</summary>
    public CallerStage Stage;
    public CalleeStage Answer;

    /// <summary>How often a request, a 200 and a BYE were sent again.</summary>
    public byte Repeats;

    /// <summary>Whether it was signed, whether it belongs to the window that is measured, whether 180 came.</summary>
    public bool IsSigned, IsMeasured, HasRung;

    /// <summary>The numbers of the caller's request and of the BYE, and who sent that.</summary>
    public uint Sequence, ByeSequence;
    public int ByeFrom;

    /// <summary>When it was to begin, and when its BYE left.</summary>
    public long Intended, ByeSent;

    /// <summary>The caller's dialog: the route, the remote target, To of the 2xx.</summary>
    public Store Route, Target, To;

    /// <summary>The callee's dialog, where it sends the BYE, and its 200 until the ACK comes.</summary>
    public Store CalleeRoute, CalleeTarget, CalleeFrom, CalleeTo, Final;

    /// <summary>The header field that signs the request.</summary>
    public Store Signature;
}
