// A web application asks the server for what a browser's SIP stack needs, and the stack takes it as it is.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { apiKey, tokenOf, turnSecret } from "../harness/issuer.js";
import { test } from "../harness/runner.js";

async function ask(desk, bearer, body) {
  const answer = await fetch(`${desk.server.origin}/api/credentials`, {
    method: "POST", headers: bearer ? { authorization: `Bearer ${bearer}` } : {}, body,
  });
  return { status: answer.status, said: await answer.json() };
}

for (const [words, bearerOf, bodyOf] of [
  ["an API key", () => apiKey, (user) => JSON.stringify({ user, seconds: 600 })],
  ["a token of the user", tokenOf, () => ""],
]) {
  test(`JsSIP registers and calls with the login that ${words} got`, async (desk) => {
    const account = desk.account();
    const { status, said } = await ask(desk, bearerOf(account.user), bodyOf(account.user));
    assert.equal(status, 200, JSON.stringify(said));
    assert.equal(said.uri, account.uri);
    assert.match(said.webSockets[0], /^wss:/);
    const phone = await desk.registered("JsSIP", "wss", said);
    assert.equal(await desk.server.contacts(account), 1);
    const callee = await desk.registered("JsSIP", "ws");
    await phone.press("call", callee.uri);
    assert.equal((await callee.next("incoming")).from, account.user);
  });
}

test("the login to a TURN server is the one that the server works out itself", async (desk) => {
  const { said } = await ask(desk, apiKey, '{"user":"alice"}');
  const [stun, turn] = said.iceServers;
  assert.deepEqual(stun, { urls: "stun:127.0.0.1:3478" });
  assert.equal(turn.username, `${said.expires}:alice`);
  assert.equal(turn.credential, createHmac("sha1", turnSecret).update(turn.username).digest("base64"));
});

test("whoever may not have a login is told in words what to do", async (desk) => {
  const wishes = [
    [undefined, "", 401, "Authorization"],
    ["wrong horse", "", 401, "JWT"],
    [`${tokenOf("alice").slice(0, -4)}AAAA`, "", 401, "signature"],
    [tokenOf("alice"), '{"user":"bob"}', 403, "another user"],
    [apiKey, "", 400, "user"],
    [apiKey, "user=alice", 400, "JSON"],
    [apiKey, '{"user":"alice"}'.padEnd(70_000), 413, "64 KB"],
  ];
  for (const [bearer, body, status, word] of wishes) {
    const told = await ask(desk, bearer, body);
    assert.equal(told.status, status, body.slice(0, 40));
    assert.ok(told.said.error.includes(word), told.said.error);
  }
});
