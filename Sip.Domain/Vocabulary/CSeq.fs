// CSeq: the number of a request within its dialog, and its method again (RFC 3261 §20.16).

namespace Sip

/// One CSeq value; the method is kept as written, because methods that nobody here knows pass too.
type CSeq = { Number: uint32; Method: string }
