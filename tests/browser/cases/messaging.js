// RFC 3428 between browsers: what is written arrives, byte for byte.
import assert from "node:assert/strict";
import { test } from "../harness/runner.js";

const stacks = ["JsSIP", "SIP.js"];
const text = "Grüße 👋🏽 from\r\nthe “other side” 👩‍👩‍👧 — ✓\ttab, ümläut, 漢字";

for (const from of stacks) {
  for (const to of stacks) {
    test(`a message with emoji from ${from} reaches ${to} byte for byte`, async (desk) => {
      const [writer, reader] = await Promise.all([
        desk.registered(from, "ws"), desk.registered(to, "wss"),
      ]);
      await writer.press("write", reader.uri, text);
      const message = await reader.next("message");
      assert.deepEqual({ from: message.from, text: message.text },
        { from: writer.account.user, text });
      const wire = await reader.receives(/^MESSAGE /);
      const [head, ...body] = wire.split("\r\n\r\n");
      assert.equal(body.join("\r\n\r\n"), text);
      const [, length] = /^Content-Length: *(\d+)/im.exec(head);
      assert.equal(Number(length), Buffer.byteLength(text));
      assert.equal((await writer.next("delivered")).status, 200);
    });
  }

  test(`a message from ${from} to a user the server does not know comes back with 404`,
    async (desk) => {
      const writer = await desk.registered(from, "wss");
      await writer.press("write", desk.uriOf("nobody"), text);
      assert.equal((await writer.next("undelivered")).status, 404);
    });
}
