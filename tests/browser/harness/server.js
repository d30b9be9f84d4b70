// How does a case get a server of its own? Started by scripts/run on free ports of the loopback,
// there once it says `ready`, gone with SIGTERM.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const run = fileURLToPath(new URL("../../../scripts/run", import.meta.url));
const patience = 240_000; // the first start may build everything

/** A server with these options beside its listeners, and what its settings tell a page. */
export async function startServer(options) {
  const [ws, wss, pages] = await freePorts(3);
  const child = spawn(run, [
    "--listen", `ws:127.0.0.1:${ws}`, "--listen", `wss:127.0.0.1:${wss}`,
    "--pages", `127.0.0.1:${pages}`, ...options,
  ], { stdio: ["ignore", "pipe", "pipe"] });
  process.once("exit", () => child.kill("SIGTERM"));
  const said = [];
  await readiness(child, said);
  const origin = `http://127.0.0.1:${pages}`;
  const settings = await (await fetch(`${origin}/api/settings`)).json();
  const url = (scheme) => settings.webSockets.find((door) => door.startsWith(`${scheme}:`));
  return {
    origin,
    domain: settings.domain,
    urls: { ws: url("ws"), wss: url("wss") },
    said,
    /** How many phones that user has online, asked with the user's own password. */
    async contacts({ user, password }) {
      const basic = Buffer.from(`${user}:${password}`).toString("base64");
      const headers = { authorization: `Basic ${basic}` };
      const { users } = await (await fetch(`${origin}/api/online`, { headers })).json();
      return users.find((entry) => entry.user === user)?.contacts ?? 0;
    },
    /** Asks it to stop; the result is how its process ended. */
    async stop() {
      if (child.exitCode !== null) return child.exitCode;
      const gone = once(child, "exit");
      const limit = setTimeout(() => child.kill("SIGKILL"), 10_000);
      child.kill("SIGTERM");
      const [code, signal] = await gone;
      clearTimeout(limit);
      return code ?? signal;
    },
  };
}

function readiness(child, said) {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => fail("did not say `ready`"), patience);
    const fail = (why) => {
      clearTimeout(limit);
      child.kill("SIGKILL");
      reject(new Error(`The server ${why}:\n${said.join("\n")}`));
    };
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        if (!line.startsWith("ready")) return;
        clearTimeout(limit);
        resolve();
      });
    }
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => fail(`ended with ${code} before it was ready`));
  });
}

/** Ports of the loopback that nothing listens on by TCP. */
export async function freePorts(count) {
  const holders = await Promise.all(Array.from({ length: count }, async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    return holder;
  }));
  return await Promise.all(holders.map(async (holder) => {
    const { port } = holder.address();
    holder.close();
    await once(holder, "close");
    return port;
  }));
}
