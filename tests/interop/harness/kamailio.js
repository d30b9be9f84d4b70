// How does a case get a Kamailio? Started with one of our configurations on free ports of the loopback,
// there once it says `serving`, gone with SIGTERM.
import { fileURLToPath } from "node:url";
import { freePorts } from "../../browser/harness/server.js";
import { startProcess } from "./process.js";

const tries = 5;

/** A Kamailio with that configuration, and these words in the place of others; it has two ports. */
export async function startKamailio(configuration, words = {}) {
  const file = fileURLToPath(new URL(`../kamailio/${configuration}.cfg`, import.meta.url));
  for (let left = tries; ; left -= 1) {
    // A port that is free for TCP may be taken for UDP.
    const [sip, ws] = await freePorts(2);
    const all = { SIP_PORT: sip, WS_PORT: ws, ...words };
    const options = Object.entries(all).flatMap(([word, value]) => ["--substdef", `!${word}!${value}!g`]);
    const process = startProcess("kamailio", ["-f", file, "-DD", "-E", "-m", "64", "-M", "8", ...options]);
    try {
      await process.says(/serving/);
      return { ...process, sip, ws };
    } catch (error) {
      await process.stop();
      if (left === 1) throw error;
    }
  }
}
