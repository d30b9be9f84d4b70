// baresip at our registrar: outbound (RFC 5626) and GRUU (RFC 5627) as it asks for them, and a call.
import assert from "node:assert/strict";
import { test } from "../../browser/harness/runner.js";
import { startBaresip } from "../harness/baresip.js";

test("baresip registers with outbound and an instance, and the 200 shows what it wants", async (desk) => {
  desk.server = desk.own;
  const account = desk.account();
  const phone = await startBaresip(account,
    `;sipnat=outbound;outbound="sip:127.0.0.1:${desk.own.port};transport=tcp"`);
  try {
    await phone.says(/200 OK .*\[1 binding\]|registered successfully/);
    const said = phone.said.join("\n");
    const register = said.match(/^.*REGISTER sip:[^]*?\nContent-Length/m)?.[0] ?? "";
    assert.match(register, /^Supported:.*outbound/im);
    assert.match(said, /^Require:.*outbound/im);
    assert.match(said, /^Flow-Timer: *\d+/im);
    assert.match(said, /^Contact:.*;reg-id=1.*;pub-gruu="/im);
    assert.equal(await desk.server.contacts(account), 1);
  } finally {
    await phone.stop();
  }
});
