// Where does one case happen? On a desk of its own: users nobody else uses, phones in a fresh
// profile of the browser, all put away afterwards.
import { Log } from "./log.js";
import { Phone, tap } from "./phone.js";

export const password = "correct horse";
let users = 0;

/** `--user` options for that many users; each desk takes its own. */
export function userOptions(count) {
  return Array.from({ length: count }, (_, index) => ["--user", `user${index + 1}:${password}`])
    .flat();
}

export class Desk {
  #logs = [];

  constructor(world, context) {
    Object.assign(this, world, { context });
  }

  static async set(world) {
    return new Desk(world, await world.browser.newContext());
  }

  /** Somebody the server knows and no other case uses. */
  account() {
    const user = `user${++users}`;
    return { user, password, uri: this.uriOf(user) };
  }

  uriOf(user) {
    return `sip:${user}@${this.server.domain}`;
  }

  /** A phone of that SIP stack over that transport, its page just opened. */
  async phone(stack, transport, account = this.account()) {
    const log = this.#log(`${account.user} (${stack}, ${transport})`);
    const phone = new Phone(await this.context.newPage(), log, {
      stack, account, url: this.server.urls[transport], pages: this.pages.origin,
    });
    await phone.open();
    return phone;
  }

  /** The same, registered. */
  async registered(stack, transport, account) {
    const phone = await this.phone(stack, transport, account);
    await phone.next("registered");
    return phone;
  }

  /** An empty tab and the log of what happens in it. */
  async tab(name) {
    const page = await this.context.newPage();
    const log = this.#log(name);
    tap(page, log);
    return { page, log };
  }

  async clear() {
    await this.context.close();
  }

  transcript() {
    return this.#logs.flatMap((log) => log.transcript()).join("\n");
  }

  #log(name) {
    const log = new Log(name);
    this.#logs.push(log);
    return log;
  }
}
