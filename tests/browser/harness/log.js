// What has a phone told so far, and what is awaited of it? Events in the order of their coming,
// each taken once; waiting ends with the event, or with a sentence that says what never came.

const patience = 15_000;

export class Log {
  #events = [];
  #waiters = new Set();

  constructor(name) {
    this.name = name;
  }

  add(event) {
    this.#events.push({ ...event, taken: false });
    for (const look of [...this.#waiters]) look();
  }

  /** Whether such an event came, taken or not. */
  has(kind, fits = () => true) {
    return this.#events.some((event) => event.kind === kind && fits(event));
  }

  /** The latest event of that kind, taken or not. */
  last(kind) {
    return this.#events.findLast((event) => event.kind === kind);
  }

  /** The earliest event of that kind that fits and was not taken before. */
  async next(kind, fits = () => true) {
    const what = `${this.name}: ${kind}`;
    return await new Promise((resolve, reject) => {
      const look = () => {
        const found = this.#events.find(
          (event) => !event.taken && event.kind === kind && fits(event));
        if (found === undefined) return;
        found.taken = true;
        clearTimeout(limit);
        this.#waiters.delete(look);
        resolve(found);
      };
      const limit = setTimeout(() => {
        this.#waiters.delete(look);
        reject(new Error(`${what} never came (${fits})`));
      }, patience);
      this.#waiters.add(look);
      look();
    });
  }

  /** Everything, for a person who asks why a case failed. */
  transcript() {
    return this.#events.map(({ kind, taken, ...what }) => {
      if (kind === "in" || kind === "out") {
        return `${this.name} ${kind === "in" ? "<--" : "-->"}\n${what.text}`;
      }
      return `${this.name} [${kind}] ${JSON.stringify(what)}`;
    });
  }
}
