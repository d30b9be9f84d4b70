// Our edge in front of Kamailio's registrar (RFC 3327, RFC 5626 section 5, RFC 3325): the registrar
// challenges, keeps the Path and gives GRUUs; calls go browser, edge, Kamailio, edge, browser.
import assert from "node:assert/strict";
import { test } from "../../browser/harness/runner.js";
import { bothHear, callAndAnswer } from "../../browser/harness/phone.js";

const ok = /^SIP\/2\.0 200 [^]*\r\nCSeq: *\d+ REGISTER\r\n/i;
const stacks = ["JsSIP", "SIP.js"];

test("JsSIP registers at Kamailio through our edge, with Path, outbound and GRUU", async (desk) => {
  const phone = await desk.registered("JsSIP", "wss");
  const answer = await phone.receives(ok);
  assert.match(answer, /^Path: <sip:[\w-]+@127\.0\.0\.1:\d+;lr;ob>\r$/im);
  assert.match(answer, /^Require:.*\boutbound\b/im);
  assert.match(answer, /;pub-gruu="/);
  assert.match(answer, /;temp-gruu="/);
  assert.match(answer, /^Contact: *<sip:[^>;]+\.invalid;transport=ws>/im, "its own Contact");
});

test("Kamailio's challenge passes through our edge, and a wrong password is refused", async (desk) => {
  const account = desk.account();
  const phone = await desk.phone("SIP.js", "ws", { ...account, password: "wrong horse" });
  await phone.receives(/^SIP\/2\.0 401 [^]*\r\nWWW-Authenticate: Digest realm="example\.test"/i);
  assert.equal((await phone.next("refused")).status, 401);
});

for (const from of stacks) {
  for (const to of stacks) {
    test(`${from} over ws calls ${to} over wss by our edge, Kamailio and our edge, and is hung up on`,
      async (desk) => await talk(desk, from, "ws", to, "wss", (caller, callee) => [callee, caller]));
  }

  test(`${from} over wss calls ${from} over ws by our edge and Kamailio, and hangs up`,
    async (desk) => await talk(desk, from, "wss", from, "ws", (caller, callee) => [caller, callee]));
}

for (const stack of stacks) {
  test(`${stack} calls by a registrar that knows nothing of Path`, async (desk) => {
    desk.server = desk.pathless;
    const phone = await desk.registered(stack, "ws");
    const answer = await phone.receives(ok);
    assert.doesNotMatch(answer, /^Path:/im);
    assert.match(answer, /^Contact: *<sip:[^>;]+\.invalid;transport=ws>/im, "its own Contact");
    const callee = await desk.registered("JsSIP", "wss");
    await callAndAnswer(phone, callee);
    await bothHear(phone, callee);
    await callee.press("hangUp");
    assert.equal((await phone.next("ended")).by, "remote");
  });
}

test("a browser that is gone is 480 to its caller, not 430", async (desk) => {
  const caller = await desk.registered("JsSIP", "ws");
  const callee = await desk.registered("JsSIP", "wss");
  await callee.page.close();
  await caller.press("call", callee.uri);
  assert.equal((await caller.next("failed")).status, 480);
});

async function talk(desk, from, over, to, by, order) {
  const [caller, callee] = await Promise.all([desk.registered(from, over), desk.registered(to, by)]);
  await callAndAnswer(caller, callee);
  await bothHear(caller, callee);
  const invite = await callee.receives(/^INVITE /);
  assert.ok(invite.match(/^Via:/gim).length >= 3, "by two servers");
  assert.doesNotMatch(invite, /^P-Asserted-Identity:/im);
  const [leaver, left] = order(caller, callee);
  await leaver.press("hangUp");
  await Promise.all([left.next("ended"), leaver.next("ended")]);
  await leaver.receives(/^SIP\/2\.0 200 [^]*\r\nCSeq: *\d+ BYE\r\n/i);
}
