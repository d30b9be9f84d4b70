// RFC 5626, 5627, 3327 and 3608 in browsers: what the stacks ask for at registration and are given, calls
// over GRUUs, and calls that outlive the connection that they began on.
import assert from "node:assert/strict";
import { test } from "../harness/runner.js";
import { bothHear, callAndAnswer } from "../harness/phone.js";

const registered = /^SIP\/2\.0 200 [^]*\r\nCSeq: *\d+ REGISTER\r\n/i;
const gruu = /;gr=urn:uuid:/;
const stacks = ["JsSIP", "SIP.js"];
const other = (stack) => stacks.find((name) => name !== stack);

for (const stack of stacks) {
  test(`${stack} registers with outbound, path and gruu, and the 200 shows it`, async (desk) => {
    const phone = await desk.registered(stack, "ws");
    const asked = phone.log.last("out").text;
    const answer = await phone.receives(registered);
    for (const tag of ["outbound", "path", "gruu"]) {
      assert.match(asked, new RegExp(`^Supported:.*\\b${tag}\\b`, "im"));
    }
    assert.match(answer, /^Require: outbound\r$/m);
    assert.match(answer, /^Flow-Timer: \d+\r$/m);
    assert.match(answer, /^Service-Route: <sip:[^>]*;lr>\r$/m);
    assert.match(answer, /;pub-gruu="sip:[^"]*;gr=urn:uuid:[^"]*"/);
    assert.match(answer, /;temp-gruu="sip:[^"]*;gr"/);
  });

  test(`${stack} calls ${other(stack)} and both name themselves by their GRUUs`, async (desk) => {
    const [caller, callee] = await pair(desk, stack, other(stack));
    await callAndAnswer(caller, callee);
    const invite = await callee.receives(/^INVITE /);
    const accepted = await caller.receives(/^SIP\/2\.0 200 [^]*\r\nCSeq: *\d+ INVITE\r\n/i);
    for (const message of [invite, accepted]) {
      const contact = message.match(/^Contact:.*$/im)[0];
      assert.match(contact, gruu);
      assert.doesNotMatch(contact, /;alias=/);
    }
    await bothHear(caller, callee);
    await callee.press("hangUp");
    await isOver(caller, callee);
  });

  test(`${stack} loses its connection in a call and comes back, and hold and BYE reach it`,
    async (desk) => {
      const [caller, callee] = await pair(desk, stack, other(stack));
      await callAndAnswer(caller, callee);
      await bothHear(caller, callee);
      await caller.press("cut");
      await caller.next("closed");
      await caller.next("registered");
      await callee.press("hold");
      await Promise.all([callee.next("held"), caller.next("heldByPeer")]);
      await callee.press("resume");
      await Promise.all([callee.next("resumed"), caller.next("resumedByPeer")]);
      await bothHear(caller, callee);
      await callee.press("hangUp");
      await isOver(caller, callee);
    });

  test(`${stack} loses its connection in a call, comes back and hangs up`, async (desk) => {
    const [caller, callee] = await pair(desk, stack, other(stack));
    await callAndAnswer(caller, callee);
    await caller.press("cut");
    await caller.next("closed");
    await caller.next("registered");
    await caller.press("hangUp");
    await isOver(callee, caller);
  });
}

async function pair(desk, from, to) {
  return await Promise.all([desk.registered(from, "ws"), desk.registered(to, "wss")]);
}

async function isOver(left, leaver) {
  const [farewell] = await Promise.all([left.next("ended"), leaver.next("ended")]);
  assert.equal(farewell.by, "remote");
}
