// What went wrong, in a sentence for the person at the phone? SIP statuses (RFC 3261 section 21)
// and the browser's own errors, with the way out where there is one.

/** How something failed: a final status from the network, or no status and JsSIP's own cause. */
export interface Failure {
  readonly code: number | null;
  readonly reason: string;
  readonly cause: string;
}

/** Why the call to or from that person is over, or never began. */
export function callFailed(peer: string, failure: Failure): string {
  switch (failure.code) {
    case null:
      return withoutStatus(failure.cause, "call", peer);
    case 403:
      return `The server does not allow you to call ${peer}.`;
    case 405:
    case 501:
      return `The phone of ${peer} does not take calls.`;
    case 408:
      return `${peer} did not answer.`;
    case 415:
    case 488:
    case 606:
      return `The phone of ${peer} and this browser found no sound format they share.`;
    case 486:
    case 600:
      return `${peer} is busy.`;
    case 487:
      return "The call was cancelled.";
    case 603:
    case 607:
    case 608:
      return `${peer} declined.`;
    default:
      return byStatus(failure.code, failure.reason, "call", peer);
  }
}

/** Why the message was not delivered. */
export function messageFailed(peer: string, failure: Failure): string {
  switch (failure.code) {
    case null:
      return withoutStatus(failure.cause, "message", peer);
    case 403:
      return `The server does not allow you to write to ${peer}.`;
    case 405:
    case 415:
    case 501:
      return `The phone of ${peer} does not take messages.`;
    case 408:
      return `The phone of ${peer} did not answer.`;
    case 413:
    case 513:
      return "The message is too long.";
    case 486:
    case 600:
    case 603:
      return `${peer} does not want messages now.`;
    default:
      return byStatus(failure.code, failure.reason, "message", peer);
  }
}

/** Whether signing in again with the same name and password is pointless. */
export function isRefusal({ code }: Failure): boolean {
  return code === 401 || code === 403 || code === 404 || code === 407;
}

/** Why signing in failed. */
export function signInFailed(user: string, failure: Failure): string {
  switch (failure.code) {
    case null:
      return failure.cause === "Request Timeout"
        ? "The server is there but did not answer the sign-in."
        : "The connection broke during the sign-in.";
    case 401:
    case 403:
    case 407:
      return `Wrong password for ${user}, or nobody of that name.`;
    case 404:
      return `The server does not know ${user}.`;
    default:
      return `The server could not sign ${user} in: ${said(failure.code, failure.reason)}.`;
  }
}

/** Why there is no connection, with the address that was tried. */
export function unreachable(url: string, once: boolean): string {
  return once
    ? `The connection to the server at ${url} was lost. Trying again…`
    : `The server cannot be reached at ${url}. Trying again…`;
}

/** Why there is no microphone, and what to do about it. */
export function noMicrophone(error: string, secure: boolean): string {
  if (!secure) {
    return (
      "The browser gives no microphone to this page, because its address is not secure. " +
      "Open it over https, or as http://localhost on the server's own machine."
    );
  }
  switch (error) {
    case "NotAllowedError":
    case "SecurityError":
      return (
        "The microphone is blocked. Allow it for this page with the icon beside the address, " +
        "then try again."
      );
    case "NotFoundError":
    case "OverconstrainedError":
      return "No microphone was found. Plug one in, or pick one in the system's sound settings.";
    case "NotReadableError":
    case "AbortError":
      return "The microphone is in use by another program. Close that one, then try again.";
    default:
      return `The microphone could not be opened (${error}).`;
  }
}

function byStatus(code: number, reason: string, what: "call" | "message", peer: string): string {
  switch (code) {
    case 401:
    case 407:
      return "Wrong password: sign out and in again.";
    case 404:
    case 410:
    case 480:
    case 604:
      return `${peer} is not online.`;
    case 414:
    case 416:
    case 484:
    case 485:
      return `“${peer}” is not an address the server can use.`;
    case 430:
      return `${peer} has just lost the connection.`;
    case 482:
    case 483:
      return `The ${what} to ${peer} went round in circles and was stopped.`;
    case 502:
    case 503:
    case 504:
      return `The server of ${peer} cannot be reached now. Try again later.`;
    default:
      return code >= 300 && code < 400
        ? `${peer} has moved to another address.`
        : `The ${what} to ${peer} failed: ${said(code, reason)}.`;
  }
}

function withoutStatus(cause: string, what: "call" | "message", peer: string): string {
  switch (cause) {
    case "Connection Error":
      return `There is no connection to the server, so the ${what} did not go through.`;
    case "Request Timeout":
    case "No ACK":
      return `Nobody answered the ${what} in time.`;
    case "No Answer":
    case "Expires":
      return `The call from ${peer} was not answered.`;
    case "RTP Timeout":
      return `No sound gets through between you and ${peer}, so the call was ended.`;
    case "WebRTC Error":
    case "Bad Media Description":
    case "Missing SDP":
      return `This browser and the phone of ${peer} could not agree on the sound.`;
    default:
      return `The ${what} failed: ${cause}.`;
  }
}

function said(code: number, reason: string): string {
  return reason === "" ? `status ${code}` : `${reason} (${code})`;
}
