// What can a case do with a phone page? Press its buttons, wait for what it tells, and read what
// went over its WebSocket.
import assert from "node:assert/strict";
import { Log } from "./log.js";

const pageOf = { "JsSIP": "jssip.html", "SIP.js": "sipjs.html" };

/** Tells the log of every message and of every error of the page. */
export function tap(page, log) {
  page.on("websocket", (socket) => {
    const frame = (kind) => ({ payload }) => log.add({ kind, text: payload.toString("utf8") });
    socket.on("framereceived", frame("in"));
    socket.on("framesent", frame("out"));
    socket.on("close", () => log.add({ kind: "closed" }));
  });
  page.on("pageerror", (error) => log.add({ kind: "pageerror", words: error.message }));
  page.on("console", (message) => {
    if (message.type() === "error") log.add({ kind: "console", words: message.text() });
  });
}

export class Phone {
  constructor(page, log, { stack, url, account, pages }) {
    Object.assign(this, { page, log, stack, url, account, pages });
    tap(page, log);
  }

  get uri() {
    return this.account.uri;
  }

  /** Loads the page, and registers unless told otherwise. */
  async open() {
    await this.page.exposeFunction("report", (event) => this.log.add(event));
    await this.page.goto(`${this.pages}/${pageOf[this.stack]}`);
    await this.#start();
  }

  /** Loads the page anew, as a person does with F5. */
  async reload() {
    await this.page.reload();
    await this.#start();
  }

  async press(verb, ...what) {
    await this.page.evaluate(([name, rest]) => window.phone[name](...rest), [verb, what]);
  }

  async next(kind, fits) {
    return await this.log.next(kind, fits);
  }

  /** The next SIP message that came in and has this in its text. */
  async receives(pattern) {
    return (await this.log.next("in", ({ text }) => pattern.test(text))).text;
  }

  /** Sound arrives: more packets and more energy than there are now. */
  async hears() {
    const before = this.log.last("media") ?? await this.next("media");
    await this.next("media", ({ packets, bytes, energy }) =>
      packets > before.packets + 5 && bytes > before.bytes && energy > before.energy);
  }

  async #start() {
    const { user, password, uri } = this.account;
    await this.press("open", { url: this.url, uri, user, password });
  }
}

/** A call from one phone to the other, up to the talking. */
export async function callAndAnswer(caller, callee) {
  await caller.press("call", callee.uri);
  assert.equal((await callee.next("incoming")).from, caller.account.user);
  await callee.press("answer");
  await Promise.all([caller.next("talking"), callee.next("talking")]);
}

/** Both hear each other. */
export async function bothHear(one, other) {
  await Promise.all([one.hears(), other.hears()]);
}
