// How does a case use another program? It waits for what the program says, writes to it, and ends it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const patience = 20_000;
const alive = new Set();
process.once("exit", () => alive.forEach((child) => child.kill("SIGKILL")));

/** A program that has just been started. */
export function startProcess(program, options, environment = {}) {
  const child = spawn(program, options, {
    env: { ...process.env, ...environment }, stdio: ["pipe", "pipe", "pipe"],
  });
  alive.add(child);
  const said = [];
  const waiting = new Set();
  const tell = () => [...waiting].forEach((look) => look());
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      said.push(line);
      tell();
    });
  }
  const gone = once(child, "exit").catch(() => undefined).then(() => {
    alive.delete(child);
    tell();
  });
  child.stdin.on("error", () => undefined);
  return {
    said,
    /** Waits until it says so, once; what it said before counts. */
    says: (pattern) => new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${program} ${why} ${pattern}:\n${said.slice(-40).join("\n")}`));
      const limit = setTimeout(() => end(() => fail("did not say")), patience);
      const end = (then) => {
        clearTimeout(limit);
        waiting.delete(look);
        then();
      };
      const look = () => {
        const line = said.find((one) => pattern.test(one));
        if (line !== undefined) end(() => resolve(line));
        else if (child.exitCode !== null) end(() => fail(`ended with ${child.exitCode} and never said`));
      };
      waiting.add(look);
      look();
    }),
    write: (text) => void child.stdin.write(text),
    /** Ends it and waits until it is gone. */
    async stop() {
      const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await gone;
      clearTimeout(limit);
    },
  };
}
