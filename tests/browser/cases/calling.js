// RFC 3261 sections 13 to 16 between browsers: calls with sound both ways, and every way to end one.
import assert from "node:assert/strict";
import { test } from "../harness/runner.js";
import { bothHear, callAndAnswer } from "../harness/phone.js";

const stacks = ["JsSIP", "SIP.js"];
const other = (stack) => stacks.find((name) => name !== stack);

for (const from of stacks) {
  for (const to of stacks) {
    test(`${from} over ws calls ${to} over wss, both hear each other, the caller hangs up`,
      async (desk) => {
        const [caller, callee] = await pair(desk, from, "ws", to, "wss");
        await callAndAnswer(caller, callee);
        await bothHear(caller, callee);
        await caller.press("hangUp");
        await isOver(callee, caller);
      });

    test(`${from} over wss calls ${to} over ws, both hear each other, the callee hangs up`,
      async (desk) => {
        const [caller, callee] = await pair(desk, from, "wss", to, "ws");
        await callAndAnswer(caller, callee);
        await bothHear(caller, callee);
        await callee.press("hangUp");
        await isOver(caller, callee);
      });
  }

  test(`${from} cancels while ${other(from)} rings`, async (desk) => {
    const [caller, callee] = await pair(desk, from, "ws", other(from), "ws");
    await caller.press("call", callee.uri);
    await callee.next("incoming");
    await caller.next("progress", ({ status }) => status === 180);
    await caller.press("hangUp");
    await callee.next("cancelled");
    await caller.receives(/^SIP\/2\.0 487 /);
    await callee.receives(/^ACK /);
    assert.ok(!callee.log.has("talking"));
  });

  for (const status of [486, 603]) {
    test(`${from} is told ${status} when ${other(from)} rejects with it`, async (desk) => {
      const [caller, callee] = await pair(desk, from, "wss", other(from), "ws");
      await caller.press("call", callee.uri);
      await callee.next("incoming");
      await callee.press("reject", status);
      const failed = await caller.next("failed");
      assert.equal(failed.status, status);
      if (from === "JsSIP") assert.equal(failed.cause, status === 486 ? "Busy" : "Rejected");
      await callee.receives(/^ACK /);
    });
  }

  test(`${from} is told 404 for a user the server does not know`, async (desk) => {
    const caller = await desk.registered(from, "ws");
    await caller.press("call", desk.uriOf("nobody"));
    assert.equal((await caller.next("failed")).status, 404);
  });

  test(`${from} is told 480 for a user who is not online`, async (desk) => {
    const caller = await desk.registered(from, "ws");
    await caller.press("call", desk.account().uri);
    assert.equal((await caller.next("failed")).status, 480);
  });

  test(`two ${from} tabs of one user ring together, and the one that loses learns why`,
    async (desk) => {
      const account = desk.account();
      const [left, right, caller] = await Promise.all([
        desk.registered(from, "ws", account), desk.registered(from, "wss", account),
        desk.registered(other(from), "ws"),
      ]);
      assert.equal(await desk.server.contacts(account), 2);
      await caller.press("call", account.uri);
      await Promise.all([left.next("incoming"), right.next("incoming")]);
      await right.press("answer");
      await Promise.all([caller.next("talking"), right.next("talking"), left.next("cancelled")]);
      const cancel = await left.receives(/^CANCEL /);
      assert.match(cancel, /^Reason: *SIP *;cause=200 *;text="Call completed elsewhere"\r$/im);
      await bothHear(caller, right);
      assert.ok(!left.log.has("talking"));
    });

  test(`${from} and ${other(from)} hold and resume, each in its turn`, async (desk) => {
    const [caller, callee] = await pair(desk, from, "ws", other(from), "wss");
    await callAndAnswer(caller, callee);
    await bothHear(caller, callee);
    for (const [holder, held] of [[caller, callee], [callee, caller]]) {
      await holder.press("hold");
      await Promise.all([holder.next("held"), held.next("heldByPeer")]);
      await holder.press("resume");
      await Promise.all([holder.next("resumed"), held.next("resumedByPeer")]);
      await bothHear(holder, held);
    }
    await caller.press("hangUp");
    await isOver(callee, caller);
  });
}

async function pair(desk, from, over, to, by) {
  return await Promise.all([desk.registered(from, over), desk.registered(to, by)]);
}

async function isOver(left, leaver) {
  const [farewell] = await Promise.all([left.next("ended"), leaver.next("ended")]);
  assert.equal(farewell.by, "remote");
  await leaver.receives(/^SIP\/2\.0 200 [^]*\r\nCSeq: *\d+ BYE\r\n/i);
}
