// What was written? The list of messages that came and went, and the line to write the next one.
import { readAddress, toLabel, type Address } from "./address";
import { byId, make } from "./dom";
import { clearNotice, tell, warn } from "./notice";
import type { Delivery, IncomingText } from "./phone";

export type Write = (to: Address, text: string, done: (delivery: Delivery) => void) => void;

const kept = 200;

export class Messages {
  private readonly log = byId("talk-log", HTMLElement);
  private readonly list = byId("messages", HTMLOListElement);
  private readonly empty = byId("no-messages", HTMLElement);
  private readonly to = byId("message-to", HTMLInputElement);
  private readonly text = byId("message-text", HTMLTextAreaElement);

  constructor(
    private readonly domain: string,
    private readonly write: Write,
  ) {
    byId("message-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.text.addEventListener("keydown", (event) => {
      // Enter sends, unless it ends a word that an input method is composing.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
  }

  /** Makes that person the one to write to. */
  address(to: string): void {
    this.to.value = to;
    this.text.focus();
  }

  receive({ from, label, text }: IncomingText): void {
    this.add("in", label, text).dataset["state"] = "received";
    if (this.to.value.trim() === "") this.to.value = toLabel(from, this.domain);
    const { top, bottom } = this.log.getBoundingClientRect();
    if (bottom > innerHeight || top < 0) tell(`${label} wrote: ${text}`);
  }

  /** Forgets it all: the next person at this page is somebody else. */
  clear(): void {
    this.list.replaceChildren();
    this.to.value = this.text.value = "";
    this.empty.hidden = false;
  }

  private send(): void {
    const text = this.text.value.trim();
    const dialled = readAddress(this.to.value, this.domain);
    if (dialled.kind === "problem") {
      warn(this.to.value.trim() === "" ? "Say first whom the message is for." : dialled.words);
      return this.to.focus();
    }
    if (text === "") return this.text.focus();
    clearNotice();
    const row = this.add("out", toLabel(dialled.address, this.domain), text);
    const state = make("span", "delivery", "Sending…");
    row.append(state);
    row.dataset["state"] = "sending";
    this.write(dialled.address, text, (delivery) => {
      row.dataset["state"] = delivery.kind;
      state.textContent = deliveryWords(delivery);
      this.scroll();
    });
    this.text.value = "";
    this.text.focus();
  }

  private add(direction: "in" | "out", peer: string, text: string): HTMLLIElement {
    const now = new Date();
    const time = make("time", "",
      now.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = now.toISOString();
    const who = make("span", "from", direction === "in" ? peer : `You to ${peer}`, " · ", time);
    const body = make("p", "body", text);
    body.dir = "auto";
    const row = make("li", `bubble ${direction}`, who, body);
    row.dataset["direction"] = direction;
    row.dataset["peer"] = peer;
    this.list.append(row);
    while (this.list.children.length > kept) this.list.firstElementChild?.remove();
    this.empty.hidden = true;
    this.scroll();
    return row;
  }

  private scroll(): void {
    this.log.scrollTop = this.log.scrollHeight;
  }
}

function deliveryWords(delivery: Delivery): string {
  switch (delivery.kind) {
    case "delivered":
      return "Delivered";
    case "stored":
      return "Accepted, to be delivered later";
    case "failed":
      return `Not delivered. ${delivery.words}`;
  }
}
