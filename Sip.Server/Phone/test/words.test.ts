// Every way to fail is said in a sentence a person understands.
import { expect, test } from "vitest";
import { callFailed, isRefusal, messageFailed, noMicrophone, signInFailed } from "../src/words";

const status = (code: number, reason = "") => ({ code, reason, cause: "" });
const cause = (words: string) => ({ code: null, reason: "", cause: words });

test.each([
  [480, "bob is not online."],
  [404, "bob is not online."],
  [486, "bob is busy."],
  [600, "bob is busy."],
  [603, "bob declined."],
  [408, "bob did not answer."],
  [430, "bob has just lost the connection."],
])("a call that failed with %i says: %s", (code, words) => {
  expect(callFailed("bob", status(code))).toBe(words);
});

test("an unknown status is told with its reason and number", () => {
  expect(callFailed("bob", status(555, "Out Of Tea"))).toContain("Out Of Tea (555)");
  expect(messageFailed("bob", status(555))).toContain("status 555");
});

test("every final status and every cause ends in a full stop", () => {
  const causes = ["Connection Error", "Request Timeout", "RTP Timeout", "WebRTC Error", "odd"];
  const failures = [
    ...Array.from({ length: 400 }, (_, index) => status(300 + index, "Reason")),
    ...causes.map(cause),
  ];
  for (const failure of failures) {
    for (const words of [callFailed("bob", failure), messageFailed("bob", failure),
      signInFailed("bob", failure)]) {
      expect(words).toMatch(/^\S.*\.$/);
      expect(words).not.toMatch(/undefined|null/);
    }
  }
});

test("wrong passwords are refusals, a tired server is not", () => {
  expect([401, 403, 404, 407].every((code) => isRefusal(status(code)))).toBe(true);
  expect([408, 500, 503].some((code) => isRefusal(status(code)))).toBe(false);
  expect(isRefusal(cause("Connection Error"))).toBe(false);
  expect(signInFailed("bob", status(407))).toMatch(/^Wrong password for bob/);
});

test("a microphone that stays closed comes with a way to open it", () => {
  expect(noMicrophone("NotAllowedError", true)).toContain("Allow it");
  expect(noMicrophone("NotFoundError", true)).toContain("Plug one in");
  expect(noMicrophone("", false)).toContain("https");
});
