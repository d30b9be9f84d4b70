// Kamailio's WebSocket edge in front of our registrar: its Path brings calls back to the browser, its
// alias is followed because it is a peer of ours, and nobody registers through it without a password.
import assert from "node:assert/strict";
import { test } from "../../browser/harness/runner.js";
import { bothHear, callAndAnswer } from "../../browser/harness/phone.js";
import { startBaresip } from "../harness/baresip.js";

const ok = /^SIP\/2\.0 200 [^]*\r\nCSeq: *\d+ REGISTER\r\n/i;

for (const stack of ["JsSIP", "SIP.js"]) {
  test(`${stack} registers at us through Kamailio, which is on the Path`, async (desk) => {
    desk.server = desk.front;
    const phone = await desk.registered(stack, "ws");
    await phone.receives(/^SIP\/2\.0 401 /);
    assert.match(await phone.receives(ok), /^Path: <sip:[^>]*@127\.0\.0\.2:\d+;lr;ob>/im);
    assert.equal(await desk.server.contacts(phone.account), 1);
  });

  test(`${stack} through Kamailio calls baresip at our registrar, and both hear each other`, async (desk) => {
    desk.server = desk.front;
    const account = desk.account();
    const desktop = await startBaresip(account,
      `;outbound="sip:127.0.0.1:${desk.own.port};transport=tcp";medianat=ice;mediaenc=dtls_srtp`);
    try {
      await desktop.says(/200 OK .*\[1 binding\]|registered successfully/);
      const caller = await desk.registered(stack, "ws");
      await caller.press("call", account.uri);
      await caller.next("talking");
      await caller.hears();
      await desktop.says(/incoming rtp for 'audio' established/);
      await desktop.says(/Call established/);
      await caller.press("hangUp");
      await desktop.says(/session closed|terminated/);
    } finally {
      await desktop.stop();
    }
  });
}

test("two browsers through Kamailio call each other by our registrar", async (desk) => {
  desk.server = desk.front;
  const [caller, callee] = await Promise.all([desk.registered("JsSIP", "ws"), desk.registered("SIP.js", "ws")]);
  await callAndAnswer(caller, callee);
  await bothHear(caller, callee);
  await callee.press("hangUp");
  assert.equal((await caller.next("ended")).by, "remote");
});

test("a browser at us calls a browser behind Kamailio", async (desk) => {
  desk.server = desk.own;
  const caller = await desk.registered("SIP.js", "wss");
  desk.server = desk.front;
  const callee = await desk.registered("JsSIP", "ws");
  await callAndAnswer(caller, callee);
  await bothHear(caller, callee);
  await caller.press("hangUp");
  assert.equal((await callee.next("ended")).by, "remote");
});
