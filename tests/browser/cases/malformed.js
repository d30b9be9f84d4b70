// What is not SIP does not end a WebSocket: it is answered or ignored, and the next request is
// answered as ever (RFC 3261 section 8.1.3, RFC 7118 section 4).
import assert from "node:assert/strict";
import { test } from "../harness/runner.js";

const request = (lines, body = "") => [...lines, "", body].join("\r\n");
const via = "Via: SIP/2.0/WS raw.invalid;branch=z9hG4bK-odd";
const rest = ["Max-Forwards: 70", "From: <sip:odd@raw.invalid>;tag=1", "To: <sip:odd@raw.invalid>",
  "Call-ID: odd", "CSeq: 1 OPTIONS"];

const oddities = {
  "words that are no message": "hello, is this the telephone?",
  "nothing but line ends": "\r\n\r\n\r\n",
  "a request line cut short": request(["OPTIONS sip:", via, ...rest]),
  "a version of SIP yet to come": request(["OPTIONS sip:raw.invalid SIP/9.9", via, ...rest]),
  "no Via": request(["OPTIONS sip:raw.invalid SIP/2.0", ...rest]),
  "no From, To or CSeq": request(["OPTIONS sip:raw.invalid SIP/2.0", via]),
  "two Call-IDs": request(["OPTIONS sip:raw.invalid SIP/2.0", via, ...rest, "Call-ID: even"]),
  "a header without a colon": request(["OPTIONS sip:raw.invalid SIP/2.0", via, "Odd", ...rest]),
  "a Content-Length that is no number":
    request(["MESSAGE sip:raw.invalid SIP/2.0", via, ...rest, "Content-Length: many"], "hi"),
  "a body shorter than it says":
    request(["MESSAGE sip:raw.invalid SIP/2.0", via, ...rest, "Content-Length: 999"], "hi"),
  "a response to nothing": request(["SIP/2.0 200 OK", via, ...rest]),
  "a status out of range": request(["SIP/2.0 9999 Very OK", via, ...rest]),
  "bytes that are no text": [0, 255, 13, 10, 0xc3, 0x28, 13, 10, 13, 10],
};

for (const transport of ["ws", "wss"]) {
  test(`malformed SIP over a raw ${transport} connection leaves it alive`, async (desk) => {
    const { page, log } = await rawConnection(desk, transport);
    let turn = 0;
    for (const [what, message] of Object.entries(oddities)) {
      const branch = `z9hG4bK-even-${++turn}`;
      await page.evaluate(([odd, even]) => {
        window.raw.send(typeof odd === "string" ? odd : new Uint8Array(odd));
        window.raw.send(even);
      }, [message, evenOptions(desk.server.domain, branch)]);
      const answer = await log.next("in", (event) => event.text.includes(branch)).catch(() => null);
      assert.ok(answer, `after ${what}, OPTIONS is answered`);
      assert.match(answer.text, /^SIP\/2\.0 200 /);
    }
    assert.ok(!log.has("closed"));
  });

  test(`a message beyond all limits closes a raw ${transport} connection with 1009`,
    async (desk) => {
      const { page, log } = await rawConnection(desk, transport);
      const code = await page.evaluate(() => new Promise((resolve) => {
        window.raw.onclose = (event) => resolve(event.code);
        window.raw.send("x".repeat(1_000_000));
      }));
      assert.equal(code, 1009);
      await log.next("closed");
    });
}

async function rawConnection(desk, transport) {
  const tab = await desk.tab(`raw over ${transport}`);
  await tab.page.goto(`${desk.pages.origin}/jssip.html`);
  await tab.page.evaluate((url) => new Promise((resolve, reject) => {
    window.raw = new WebSocket(url, "sip");
    window.raw.onopen = resolve;
    window.raw.onerror = () => reject(new Error("no connection"));
  }), desk.server.urls[transport]);
  return tab;
}

function evenOptions(domain, branch) {
  return request([
    `OPTIONS sip:${domain} SIP/2.0`, `Via: SIP/2.0/WS raw.invalid;branch=${branch}`,
    "Max-Forwards: 70", "From: <sip:even@raw.invalid>;tag=1", `To: <sip:${domain}>`,
    `Call-ID: ${branch}`, "CSeq: 1 OPTIONS", "Content-Length: 0",
  ]);
}
