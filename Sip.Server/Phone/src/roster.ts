// Who is there to talk to? The list of people online, asked of the server every few seconds.
import type { OnlineUser, Reply } from "./api";
import { icon, byId, make, paintAvatar } from "./dom";
import { Signal } from "./signal";

const period = 3000;

export class Roster {
  readonly call = new Signal<string>();
  readonly message = new Signal<string>();

  private readonly list = byId("people", HTMLUListElement);
  private readonly empty = byId("nobody", HTMLElement);
  private readonly trouble = byId("people-trouble", HTMLElement);
  private readonly rows = new Map<string, HTMLLIElement>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private round = 0;

  constructor(
    private readonly me: string,
    guests: boolean,
    private readonly ask: () => Promise<Reply<readonly OnlineUser[]>>,
  ) {
    this.empty.textContent = guests
      ? "Nobody else is here yet. Open this page in a second tab or on your phone, " +
        "and call yourself across the room."
      : "Nobody else is online now.";
    this.show([]);
  }

  /** Asks now, and again every few seconds until `stop`. */
  refresh(): void {
    clearTimeout(this.timer);
    const round = ++this.round;
    void this.ask().then((reply) => {
      // An older answer must not overwrite a newer one, nor a stopped list come alive.
      if (round !== this.round) return;
      this.timer = setTimeout(() => this.refresh(), period);
      this.trouble.hidden = reply.kind === "ok";
      if (reply.kind === "ok") return this.show(reply.value);
      this.trouble.textContent = reply.words;
      this.empty.hidden = true;
    });
  }

  stop(): void {
    clearTimeout(this.timer);
    this.round += 1;
    this.show([]);
    this.trouble.hidden = true;
  }

  private show(users: readonly OnlineUser[]): void {
    const others = users
      .filter(({ user }) => user !== this.me)
      .sort((a, b) => a.user.localeCompare(b.user));
    const names = new Set(others.map(({ user }) => user));
    for (const [user, row] of this.rows) {
      if (names.has(user)) continue;
      row.remove();
      this.rows.delete(user);
    }
    others.forEach(({ user, contacts }, place) => {
      const row = this.rows.get(user) ?? this.newRow(user);
      const phones = contacts > 1 ? `online on ${contacts} phones` : "online";
      const words = row.querySelector(".presence");
      if (words !== null && words.textContent !== phones) words.textContent = phones;
      // Rows stay where they are, so that the focus does too.
      if (this.list.children[place] !== row) {
        this.list.insertBefore(row, this.list.children[place] ?? null);
      }
    });
    this.empty.hidden = others.length > 0;
  }

  private newRow(user: string): HTMLLIElement {
    const avatar = make("span", "avatar");
    avatar.setAttribute("aria-hidden", "true");
    paintAvatar(avatar, user);
    const words = make("span", "person-words",
      make("span", "name", user), make("span", "presence"));
    const message = this.button("message", `Message ${user}`, () => this.message.emit(user));
    const call = this.button("call", `Call ${user}`, () => this.call.emit(user));
    const row = make("li", "person", avatar, words, message, call);
    row.dataset["user"] = user;
    this.rows.set(user, row);
    return row;
  }

  private button(kind: "call" | "message", label: string, press: () => void): HTMLButtonElement {
    const words = make("span", "button-words", kind === "call" ? "Call" : "Message");
    const button = make("button", `${kind} pill`, icon(kind), words);
    button.type = "button";
    button.setAttribute("aria-label", label);
    button.addEventListener("click", press);
    return button;
  }
}
