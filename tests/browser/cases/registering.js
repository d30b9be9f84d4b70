// RFC 3261 section 10 and RFC 7118: a browser registers, and its binding lives with its connection.
import assert from "node:assert/strict";
import { test } from "../harness/runner.js";
import { callAndAnswer } from "../harness/phone.js";

const ok = (method) => new RegExp(`^SIP/2\\.0 200 [^]*\\r\\nCSeq: *\\d+ ${method}\\r\\n`, "i");

for (const stack of ["JsSIP", "SIP.js"]) {
  for (const transport of ["ws", "wss"]) {
    test(`${stack} registers over ${transport} and takes its registration back`, async (desk) => {
      const phone = await desk.registered(stack, transport);
      assert.equal(await desk.server.contacts(phone.account), 1);
      await phone.press("close");
      await phone.next("unregistered");
      assert.equal(await desk.server.contacts(phone.account), 0);
    });
  }

  test(`${stack} with a wrong password is refused as unauthorized and is not there`, async (desk) => {
    const account = desk.account();
    const phone = await desk.phone(stack, "ws", { ...account, password: "wrong horse" });
    const { status, cause } = await phone.next("refused");
    assert.ok(status === 401 || status === 403, `refused with ${status}`);
    if (stack === "JsSIP") assert.equal(cause, "Authentication Error");
    assert.ok(!phone.log.has("registered"));
    assert.equal(await desk.server.contacts(account), 0);
  });

  test(`${stack} reloaded while registered is one phone, and a call reaches the new page only`,
    async (desk) => {
      const callee = await desk.registered(stack, "ws");
      await callee.receives(ok("REGISTER"));
      await callee.reload();
      await callee.next("registered");
      const contacts = (await callee.receives(ok("REGISTER"))).match(/^Contact:.*$/gim);
      assert.equal(contacts.length, 1, "the binding of the old page is gone");
      assert.equal(contacts[0].split(/,\s*</).length, 1);
      const caller = await desk.registered("JsSIP", "wss");
      await callAndAnswer(caller, callee);
      assert.ok(!callee.log.has("incoming", ({ taken }) => !taken), "it rang once");
    });
}
