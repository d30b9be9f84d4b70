// Every case, under one browser and two servers: one with users, one as in the first minute.
// An argument runs only the cases whose sentence contains it.
import { launchChromium } from "./harness/chromium.js";
import { userOptions } from "./harness/desk.js";
import { issuerOptions } from "./harness/issuer.js";
import { runCases } from "./harness/runner.js";
import { startServer } from "./harness/server.js";
import { serveTestPages } from "./harness/web.js";
import "./cases/registering.js";
import "./cases/calling.js";
import "./cases/outbound.js";
import "./cases/messaging.js";
import "./cases/malformed.js";
import "./cases/phonepage.js";
import "./cases/credentials.js";

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

const world = { pages: await serveTestPages() };
let sum = { passed: 0, failed: 1 };
try {
  world.server = await startServer(["--domain", "example.test", ...userOptions(150), ...issuerOptions()]);
  world.guestServer = await startServer([]);
  world.browser = await launchChromium();
  sum = await runCases(world, process.argv[2] ?? "");
  for (const server of [world.server, world.guestServer]) {
    const end = await server.stop();
    if (end === 0) sum.passed += 1;
    else sum.failed += 1;
    console.log(`  ${end === 0 ? "ok  " : "FAIL"} the server stops cleanly when asked (${end})`);
  }
} catch (error) {
  console.log(error.stack);
} finally {
  await world.browser?.close();
  await Promise.all([world.server?.stop(), world.guestServer?.stop()]);
  world.pages.close();
}
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed === 0 ? 0 : 1;
