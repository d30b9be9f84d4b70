// Every case with another server or a desk phone, in one browser: our edge in front of Kamailio, Kamailio
// in front of us, and baresip. An argument runs only the cases whose sentence contains it.
import { launchChromium } from "../browser/harness/chromium.js";
import { password, userOptions } from "../browser/harness/desk.js";
import { runCases } from "../browser/harness/runner.js";
import { freePorts, startServer } from "../browser/harness/server.js";
import { serveTestPages } from "../browser/harness/web.js";
import { startKamailio } from "./harness/kamailio.js";
import "./cases/behind.js";
import "./cases/before.js";
import "./cases/deskphone.js";

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const domain = "example.test";
const listening = (port) => ["--listen", `udp:127.0.0.1:${port}`, "--listen", `tcp:127.0.0.1:${port}`];
const running = [];

async function start(what) {
  const one = await what;
  running.push(one);
  return one;
}

/** Our edge, with a Kamailio as the registrar behind it, which knows Path (1) or does not (0). */
async function edge(path, ...more) {
  const words = { SIP_DOMAIN: domain, AUTH_PASS: password, USE_PATH: path };
  const registrar = await start(startKamailio("registrar", words));
  const [port] = await freePorts(1);
  const server = await start(startServer([
    ...listening(port), "--domain", domain, "--upstream", `udp:127.0.0.2:${registrar.sip}`, ...more,
  ]));
  return { ...server, registrar };
}

/** Our registrar, with a Kamailio as the edge in front of it. baresip 1.0 gives up at the sight of SHA-256. */
async function registrar() {
  const [port] = await freePorts(1);
  const kamailio = await start(startKamailio("edge", { REGISTRAR: `127.0.0.1:${port}` }));
  const server = await start(startServer([
    ...listening(port), "--domain", domain, "--peer", `udp:127.0.0.2:${kamailio.sip}`, "--digest", "md5", ...userOptions(40),
  ]));
  const front = { ...server, urls: { ws: `ws://127.0.0.2:${kamailio.ws}/` }, kamailio };
  return { front, server: { ...server, port } };
}

const world = { pages: await serveTestPages() };
let sum = { passed: 0, failed: 1 };
try {
  world.server = await edge(1);
  world.pathless = await edge(0, "--upstream-path", "none");
  const { front, server } = await registrar();
  Object.assign(world, { front, own: server });
  // baresip 1.0 offers one address of the machine's, never the loopback's.
  world.browser = await launchChromium({ loopback: false });
  sum = await runCases(world, process.argv[2] ?? "");
} catch (error) {
  console.log(error.stack);
} finally {
  await world.browser?.close();
  await Promise.all(running.map((one) => one.stop()));
  world.pages.close();
}
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 ? 0 : 1;
