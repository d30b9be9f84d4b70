// How are the cases run? A few at a time, each with a limit, each failure with the messages that
// led to it, and at the end how many passed and failed.
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Desk } from "./desk.js";

const limit = 60_000;
const lanes = 2;
const results = fileURLToPath(new URL("../TestResults/", import.meta.url));
const cases = [];

/** One case: a sentence that is true, and how to see it. */
export function test(sentence, body) {
  cases.push({ sentence, body });
}

/** Runs every case whose sentence contains the words. */
export async function runCases(world, words) {
  const waiting = cases.filter(({ sentence }) => sentence.includes(words));
  let passed = 0, failed = 0;
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (await runCase(world, next)) passed += 1;
      else failed += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { passed, failed };
}

async function runCase(world, { sentence, body }) {
  const began = performance.now();
  const desk = await Desk.set(world);
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`;
  try {
    await within(body(desk));
    console.log(`  ok   ${sentence} (${seconds()})`);
    return true;
  } catch (error) {
    const file = `${results}${sentence.replace(/[^\w.]+/g, "-")}.txt`;
    await mkdir(results, { recursive: true });
    await writeFile(file, `${error.stack}\n\n${desk.transcript()}\n`);
    console.log(`  FAIL ${sentence} (${seconds()})\n       ${error.message}\n       ${file}`);
    return false;
  } finally {
    await desk.clear();
  }
}

function within(work) {
  let timer;
  const over = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${limit / 1000} s`)), limit);
  });
  return Promise.race([work, over]).finally(() => clearTimeout(timer));
}
