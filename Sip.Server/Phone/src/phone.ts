// The phone itself: JsSIP's user agent behind typed events. It registers (RFC 3261 section 10),
// keeps at it when the server is away, makes and takes one call at a time, sends and takes
// messages (RFC 3428).
import { UA, WebSocketInterface } from "jssip";
import type { UnRegisteredEvent } from "jssip/lib/UA";
import type { RTCSession } from "jssip/lib/RTCSession";
import type { Message } from "jssip/lib/Message";
import type { IncomingRequest, IncomingResponse } from "jssip/lib/SIPMessage";
import { toLabel, toUri, type Address } from "./address";
import { Call } from "./call";
import { Signal } from "./signal";
import { isRefusal, messageFailed, signInFailed, unreachable, type Failure } from "./words";

export interface Account {
  readonly user: string;
  readonly password: string;
  readonly displayName: string;
}

export interface Line {
  readonly url: string;
  readonly domain: string;
  readonly iceServers: readonly RTCIceServer[];
  readonly instance: string;
}

export type StatusState =
  | "offline" | "connecting" | "connected" | "registered" | "reconnecting" | "failed";

export interface Status {
  readonly state: StatusState;
  readonly words: string;
}

export interface IncomingText {
  readonly from: Address;
  readonly label: string;
  readonly text: string;
}

export type Delivery =
  | { readonly kind: "delivered" | "stored" }
  | { readonly kind: "failed"; readonly words: string };

const registerExpires = 600;
const retryAfter = [3, 6, 12, 30] as const;

export class Phone {
  readonly status = new Signal<Status>();
  /** The server does not take this name and password. */
  readonly refused = new Signal<string>();
  /** A call began, in either direction. */
  readonly call = new Signal<Call>();
  readonly text = new Signal<IncomingText>();

  private readonly ua: UA;
  private current: Call | null = null;
  private stopped = false;
  private reached = false;
  private attempts = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly account: Account,
    private readonly line: Line,
  ) {
    this.ua = new UA({
      sockets: [new WebSocketInterface(line.url)],
      uri: toUri({ user: account.user, host: line.domain }),
      authorization_user: account.user,
      password: account.password,
      display_name: account.displayName.replace(/[\\"\u0000-\u001f\u007f]/g, "").trim(),
      instance_id: line.instance,
      register_expires: registerExpires,
      connection_recovery_max_interval: 15,
      user_agent: "Sip phone page",
    });
    this.watch();
  }

  start(): void {
    this.ua.start();
  }

  /** Ends the call, takes the registration back and closes the connection. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.retry);
    this.current?.hangUp();
    this.ua.stop();
  }

  get busy(): boolean {
    return this.current !== null && this.current.state !== "ended";
  }

  /** Calls the address; what comes of it is told by the call. */
  dial(to: Address): void {
    if (this.busy || this.stopped) return;
    const { iceServers, domain } = this.line;
    this.take(Call.to(toLabel(to, domain), iceServers, (mediaStream) =>
      this.ua.call(toUri(to), {
        mediaStream,
        mediaConstraints: { audio: true, video: false },
        pcConfig: { iceServers: [...iceServers] },
      }),
    ));
  }

  /** Sends a message and tells what became of it, once. */
  write(to: Address, text: string, done: (delivery: Delivery) => void): void {
    const peer = toLabel(to, this.line.domain);
    try {
      this.ua.sendMessage(toUri(to), text, {
        contentType: "text/plain;charset=UTF-8",
        eventHandlers: {
          succeeded: ({ response }) =>
            done({ kind: response.status_code === 202 ? "stored" : "delivered" }),
          failed: ({ response, cause }) =>
            done({ kind: "failed", words: messageFailed(peer, failureOf(response, cause)) }),
        },
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      done({ kind: "failed", words: `The message could not be sent: ${why}.` });
    }
  }

  private watch(): void {
    const { ua, line, account } = this;
    const say = (state: StatusState, words: string): void => {
      if (!this.stopped) this.status.emit({ state, words });
    };

    ua.on("connecting", ({ attempts }) => {
      if (attempts === 0 && !this.reached) say("connecting", `Connecting to ${line.url}…`);
      else say("reconnecting", unreachable(line.url, this.reached));
    });
    ua.on("connected", () => {
      this.reached = true;
      say("connected", `Connected. Signing in as ${account.user}…`);
    });
    ua.on("disconnected", () => {
      clearTimeout(this.retry);
      say("reconnecting", unreachable(line.url, this.reached));
    });
    ua.on("registered", () => {
      this.attempts = 0;
      say("registered", "Online");
    });
    ua.on("registrationFailed", (event) => this.notRegistered(event, say));

    ua.on("newRTCSession", (event: { originator: unknown; session: RTCSession }) => {
      if (event.originator === "remote") this.ringing(event.session);
    });
    ua.on("newMessage", (event: { originator: unknown; message: Message; request: unknown }) => {
      if (event.originator === "remote") {
        this.receive(event.message, event.request as IncomingRequest);
      }
    });
  }

  private notRegistered(
    { response, cause }: UnRegisteredEvent,
    say: (state: StatusState, words: string) => void,
  ): void {
    if (this.stopped || !this.ua.isConnected()) return;
    const failure = failureOf(response, cause);
    const words = signInFailed(this.account.user, failure);
    if (isRefusal(failure)) {
      say("failed", words);
      this.refused.emit(words);
      return;
    }
    // JsSIP registers again only after a new connection, so a passing failure is ours to mend.
    const seconds = retryAfter[Math.min(this.attempts, retryAfter.length - 1)]!;
    this.attempts += 1;
    say("reconnecting", `${words} Trying again in ${seconds} seconds…`);
    this.retry = setTimeout(() => this.ua.register(), seconds * 1000);
  }

  private ringing(session: RTCSession): void {
    if (this.busy || this.stopped) return session.terminate({ status_code: 486 });
    const { uri, display_name: name } = session.remote_identity;
    const label = toLabel({ user: uri.user, host: uri.host }, this.line.domain);
    const peer = name && name !== label ? `${name} (${label})` : label;
    this.take(Call.from(peer, this.line.iceServers, session));
  }

  private take(call: Call): void {
    this.current = call;
    this.call.emit(call);
  }

  private receive(message: Message, request: IncomingRequest): void {
    const type = request.getHeader("Content-Type") ?? "text/plain";
    if (!/^text\/plain\s*(;|$)/i.test(type)) return message.reject({ status_code: 415 });
    const { uri, display_name: name } = message.remote_identity;
    const from = { user: uri.user, host: uri.host };
    const label = toLabel(from, this.line.domain);
    const who = name && name !== label ? `${name} (${label})` : label;
    this.text.emit({ from, label: who, text: request.body });
  }
}

function failureOf(response: IncomingResponse | null | undefined, cause: unknown): Failure {
  return {
    code: response?.status_code ?? null,
    reason: response?.reason_phrase ?? "",
    cause: String(cause ?? ""),
  };
}
