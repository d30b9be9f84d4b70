// The page takes the WebSocket that a browser lets it use.
import { expect, test } from "vitest";
import { chooseDoor, readSettings } from "../src/settings";

const both = ["ws://a.test:8080/", "wss://a.test:8443/"];

test("a page over http takes ws first, and wss when there is nothing else", () => {
  expect(chooseDoor(both, false)).toEqual({ kind: "open", url: both[0] });
  expect(chooseDoor([both[1]!], false)).toEqual({ kind: "open", url: both[1] });
});

test("a page over https takes wss or nothing", () => {
  expect(chooseDoor(both, true)).toEqual({ kind: "open", url: both[1] });
  expect(chooseDoor([both[0]!], true)).toMatchObject({ kind: "closed" });
});

test("settings without ICE servers or guests have none", () => {
  expect(readSettings({ domain: "a.test", webSockets: [] })).toEqual({
    domain: "a.test", webSockets: [], guests: false, iceServers: [],
  });
});

test.each([null, "no", {}, { domain: "" }, { domain: "a.test" }])("%j is no settings", (value) => {
  expect(readSettings(value)).toBeUndefined();
});
