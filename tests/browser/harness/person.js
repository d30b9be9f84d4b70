// What can a person do with the phone page? See, press and type, as eyes and fingers would.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export class Person {
  constructor({ page, log }, origin) {
    Object.assign(this, { page, log, origin });
    page.setDefaultTimeout(15_000);
  }

  /** A guest who opened the page of the first minute. */
  static async guest(desk, query = "") {
    const person = new Person(await desk.tab("a guest"), desk.guestServer.origin);
    await person.page.goto(`${person.origin}/${query}`);
    await person.isOnline();
    return person;
  }

  async isOnline() {
    await this.sees('#status[data-state="registered"]');
    this.name = await this.page.textContent("#me");
    this.log.name = this.name;
  }

  /** Waits until such an element is there to be seen, with that text in it. */
  async sees(selector, text = "") {
    await this.page.locator(selector, text === "" ? {} : { hasText: text }).first().waitFor();
  }

  async seesNoMore(selector) {
    await this.page.locator(selector).waitFor({ state: "hidden" });
  }

  async presses(selector) {
    await this.page.locator(selector).click();
  }

  async types(selector, text) {
    await this.page.locator(selector).fill(text);
  }

  /** Presses Call beside the other's name. */
  async calls(other) {
    await this.presses(`.person[data-user="${other.name}"] .call`);
  }

  async talks() {
    await this.sees('#call[data-state="talking"]');
  }

  /** Hears, not only receives packets. */
  async hears() {
    await this.sees('#sound[data-hearing="true"]:not([data-packets="0"])');
  }

  async hearsNothing() {
    await this.sees('#sound[data-hearing="false"]:not([data-packets="0"])');
  }

  /** The call is over, in these words. */
  async isTold(words) {
    await this.sees('#call[data-state="ended"] #call-words', words);
  }

  /** No fault that axe knows, in what is shown once it has stopped moving. */
  async findsItAccessible(what) {
    await this.page.evaluate(axe);
    const faults = await this.page.evaluate(async () => {
      // Rings and blinking never end by themselves; what comes to rest is waited for.
      const passing = document.getAnimations()
        .filter(({ effect }) => effect.getComputedTiming().iterations !== Infinity);
      await Promise.all(passing.map(({ finished }) => finished.catch(() => undefined)));
      const { violations } = await window.axe.run(document);
      return violations.map(({ id, help, nodes }) => `${id}: ${help}, ${nodes[0].target}`);
    });
    assert.deepEqual(faults, [], what);
  }

  /** Nothing sticks out of the screen to the side. */
  async findsItFitting(what) {
    const over = await this.page.evaluate(() =>
      document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(over, 0, what);
  }

  /** The page did nothing that its security policy or the browser complained about. */
  hadNoTrouble() {
    for (const kind of ["pageerror", "console"]) {
      assert.equal(this.log.last(kind)?.words, undefined);
    }
  }
}
