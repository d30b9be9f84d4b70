// What a person types becomes the address that was meant, or a sentence.
import { expect, test } from "vitest";
import { readAddress, same, toLabel, toUri } from "../src/address";

const home = "example.test";
const uri = (typed: string): string => {
  const dialled = readAddress(typed, home);
  return dialled.kind === "address" ? toUri(dialled.address) : `problem: ${dialled.words}`;
};

test.each([
  ["bob", "sip:bob@example.test"],
  ["  sip:bob  ", "sip:bob@example.test"],
  ["SIP:bob@Example.ORG", "sip:bob@example.org"],
  ["sip:bob@127.0.0.1:5070;transport=ws", "sip:bob@127.0.0.1:5070"],
  ["bob@[2001:db8::1]:5060", "sip:bob@[2001:db8::1]:5060"],
  ["\"Bob\" <sip:bob@example.org>;tag=1", "sip:bob@example.org"],
  ["tel:+49 (30) 12-34.5", "sip:%2B493012345@example.test"],
  ["jörg", "sip:j%C3%B6rg@example.test"],
  ["j%C3%B6rg", "sip:j%C3%B6rg@example.test"],
])("%s is %s", (typed, expected) => {
  expect(uri(typed)).toBe(expected);
});

test.each(["", "  ", "@example.test", "bob@", "bob smith", "a%zz", "b@x y", "bob@e/x", "sips:bob",
  "bob%0d%0aVia:x"])("%j is refused with a sentence", (typed) => {
  expect(uri(typed)).toMatch(/^problem: .{10,}\.$/);
});

test("people at home are shown by their name alone", () => {
  expect(toLabel({ user: "bob", host: "EXAMPLE.test" }, home)).toBe("bob");
  expect(toLabel({ user: "bob", host: "example.org" }, home)).toBe("bob@example.org");
});

test("the host of an address has no letter case", () => {
  expect(same({ user: "bob", host: "A.test" }, { user: "bob", host: "a.test" })).toBe(true);
  expect(same({ user: "bob", host: "a.test" }, { user: "Bob", host: "a.test" })).toBe(false);
});
