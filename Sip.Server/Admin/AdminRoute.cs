namespace Sip.Server.Admin;

/// <summary>What may be asked of the admin surface; whoever answers holds proof that the token was shown.</summary>
public sealed record AdminRoute(string Method, string Path, Func<AdminToken.Admitted, HttpContext, Task<IResult>> Answer);
