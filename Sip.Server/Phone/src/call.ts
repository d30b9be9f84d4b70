// One call, from ringing to its end: what the person sees of a JsSIP session
// (RFC 3261 sections 13 to 15), and the few things the person may do to it.
import type { EndEvent, RTCSession } from "jssip/lib/RTCSession";
import { closeMicrophone, openMicrophone } from "./microphone";
import { Signal } from "./signal";
import { callFailed } from "./words";

export type CallState = "ringing" | "incoming" | "talking" | "ended";

// With a dead STUN server the browser gathers candidates for long: good enough after this.
const gatheringLimit = 1500;

export class Call {
  /** The state, the words or the mute changed. */
  readonly changed = new Signal<Call>();
  /** Something the person can mend, after which the call may go on. */
  readonly problem = new Signal<string>();

  state: CallState;
  words: string;
  muted = false;
  /** The person has taken the call and the phones are still agreeing. */
  answering = false;
  /** When the talking began, on the clock of `performance.now`. */
  talkingSince: number | null = null;
  connection: RTCPeerConnection | null = null;

  private session: RTCSession | null = null;
  private stream: MediaStream | null = null;

  private constructor(
    /** Who is called or calls, as the person would say it. */
    readonly peer: string,
    readonly incoming: boolean,
    private readonly iceServers: readonly RTCIceServer[],
  ) {
    this.state = incoming ? "incoming" : "ringing";
    this.words = incoming ? `${peer} is calling you` : `Calling ${peer}…`;
  }

  /** A call to the peer; `invite` is asked for the session once the microphone is open. */
  static to(
    peer: string,
    iceServers: readonly RTCIceServer[],
    invite: (stream: MediaStream) => RTCSession,
  ): Call {
    const call = new Call(peer, false, iceServers);
    void call.invite(invite);
    return call;
  }

  /** A call that just came in. */
  static from(peer: string, iceServers: readonly RTCIceServer[], session: RTCSession): Call {
    const call = new Call(peer, true, iceServers);
    call.follow(session);
    return call;
  }

  /** Takes the call, unless the microphone stays closed: then it rings on. */
  async answer(): Promise<void> {
    if (this.state !== "incoming" || this.answering || this.session === null) return;
    this.answering = true;
    const microphone = await openMicrophone();
    this.answering = false;
    if (microphone.kind === "closed") return this.problem.emit(microphone.words);
    if (this.session.isEnded()) return closeMicrophone(microphone.stream);
    this.answering = true;
    this.stream = microphone.stream;
    this.say("Connecting…");
    try {
      this.session.answer({
        mediaStream: microphone.stream,
        mediaConstraints: { audio: true, video: false },
        pcConfig: { iceServers: [...this.iceServers] },
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return this.finish(`The call could not be answered: ${why}.`, 500);
    }
    this.connection = this.session.connection;
    this.changed.emit(this);
  }

  decline(): void {
    this.finish("You declined.", 603);
  }

  /** Hangs up, or cancels while it rings. */
  hangUp(): void {
    this.finish(this.state === "talking" ? "You hung up." : "You cancelled the call.");
  }

  toggleMute(): void {
    if (this.state !== "talking" || this.session === null) return;
    this.muted = !this.muted;
    if (this.muted) this.session.mute({ audio: true });
    else this.session.unmute({ audio: true });
    this.changed.emit(this);
  }

  private async invite(invite: (stream: MediaStream) => RTCSession): Promise<void> {
    const microphone = await openMicrophone();
    if (microphone.kind === "closed") return this.end(microphone.words);
    if (this.state === "ended") return closeMicrophone(microphone.stream);
    this.stream = microphone.stream;
    try {
      const session = invite(microphone.stream);
      this.connection = session.connection;
      this.follow(session);
      this.changed.emit(this);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.end(`The call could not be made: ${why}.`);
    }
  }

  private follow(session: RTCSession): void {
    this.session = session;
    session.on("progress", () => {
      if (this.state === "ringing") this.say(`Ringing ${this.peer}…`);
    });
    session.on("accepted", () => {
      if (this.state === "ended") return;
      this.state = "talking";
      this.talkingSince = performance.now();
      this.say("In a call");
    });
    session.on("failed", (event) => this.end(this.whyFailed(event)));
    session.on("ended", (event) => this.end(this.whyEnded(event)));

    let limit: ReturnType<typeof setTimeout> | undefined;
    session.on("icecandidate", ({ ready }) => {
      limit ??= setTimeout(() => {
        if (!session.isEnded()) ready();
      }, gatheringLimit);
    });
  }

  private finish(words: string, status?: number): void {
    if (this.state === "ended") return;
    const session = this.session;
    this.end(words);
    if (session !== null && !session.isEnded()) {
      session.terminate(status === undefined ? {} : { status_code: status });
    }
  }

  private end(words: string): void {
    if (this.state === "ended") return;
    this.state = "ended";
    if (this.stream !== null) closeMicrophone(this.stream);
    this.stream = null;
    this.say(words);
  }

  private say(words: string): void {
    this.words = words;
    this.changed.emit(this);
  }

  private whyFailed({ originator, message, cause }: EndEvent): string {
    if (this.incoming && cause === "Canceled") {
      // RFC 3326: a CANCEL says with Reason that another phone took the call.
      const reason = message?.getHeader("Reason") ?? "";
      return /cause\s*=\s*200/.test(reason)
        ? "Answered on another phone."
        : `You missed a call from ${this.peer}.`;
    }
    const response = String(originator) === "remote" && "status_code" in (message ?? {});
    const { status_code: code, reason_phrase: reason } = response
      ? (message as unknown as { status_code: number; reason_phrase: string })
      : { status_code: null, reason_phrase: "" };
    return callFailed(this.peer, { code, reason, cause });
  }

  private whyEnded({ originator, cause }: EndEvent): string {
    if (cause !== "Terminated") return callFailed(this.peer, { code: null, reason: "", cause });
    return String(originator) === "remote" ? `${this.peer} hung up.` : "You hung up.";
  }
}
