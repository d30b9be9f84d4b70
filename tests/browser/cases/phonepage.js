// The first minute: the phone page in two tabs, two guests who talk; and the page with users.
import assert from "node:assert/strict";
import { Person } from "../harness/person.js";
import { test } from "../harness/runner.js";

const text = "Tea at four? 🫖 – „ja“";

test("two tabs of the page are two guests who find each other, call and hear each other",
  async (desk) => {
    const [one, other] = await guests(desk);
    assert.notEqual(one.name, other.name);
    await talk(one, other);
    await one.presses("#hangup");
    await Promise.all([one.isTold("You hung up."), other.isTold(`${one.name} hung up.`)]);
    await talk(other, one);
    await one.presses("#hangup");
    await other.isTold(`${one.name} hung up.`);
    nobodyHadTrouble(one, other);
  });

test("a guest who mutes is not heard until the mute is taken off", async (desk) => {
  const [one, other] = await guests(desk);
  await talk(one, other);
  await one.presses("#mute");
  await one.sees('#mute[aria-pressed="true"]', "Unmute");
  await other.hearsNothing();
  await one.hears();
  await one.presses("#mute");
  await other.hears();
  nobodyHadTrouble(one, other);
});

test("guests write to each other, and are told when nobody is there", async (desk) => {
  const [one, other] = await guests(desk);
  await one.presses(`.person[data-user="${other.name}"] .message`);
  await writes(one, text);
  await Promise.all([
    one.sees('.bubble.out[data-state="delivered"]', text),
    other.sees(`.bubble.in[data-peer="${one.name}"] .body`, text),
  ]);
  await writes(other, `${text}!`);
  await one.sees(`.bubble.in[data-peer="${other.name}"] .body`, `${text}!`);
  await one.types("#message-to", "nobodyhere");
  await writes(one, text);
  await one.sees('.bubble[data-state="failed"] .delivery', "nobodyhere is not online.");
  nobodyHadTrouble(one, other);
});

test("a guest declines, and the caller is told so", async (desk) => {
  const [one, other] = await guests(desk);
  await one.calls(other);
  await other.presses("#decline");
  await Promise.all([one.isTold(`${other.name} declined.`), other.isTold("You declined.")]);
  nobodyHadTrouble(one, other);
});

test("a guest cancels, and the other sees a missed call", async (desk) => {
  const [one, other] = await guests(desk);
  await one.calls(other);
  await other.sees("#answer");
  await one.sees("#call-words", "Ringing");
  await one.presses("#hangup");
  await Promise.all([
    one.isTold("You cancelled the call."), other.isTold(`You missed a call from ${one.name}.`),
  ]);
  nobodyHadTrouble(one, other);
});

test("a guest in a call is busy for a third", async (desk) => {
  const [one, other] = await guests(desk);
  const third = await Person.guest(desk);
  await talk(one, other);
  await third.calls(other);
  await third.isTold(`${other.name} is busy.`);
  await Promise.all([one.hears(), other.hears()]);
  nobodyHadTrouble(one, other, third);
});

test("a guest who reloads keeps the name and can be called; one who leaves is gone from the list",
  async (desk) => {
    const [one, other] = await guests(desk);
    const { name } = one;
    await one.page.reload();
    await one.isOnline();
    assert.equal(one.name, name);
    await talk(other, one);
    await other.presses("#hangup");
    await one.page.close();
    await other.seesNoMore(`.person[data-user="${name}"]`);
    nobodyHadTrouble(one, other);
  });

test("a name in the address makes a guest of that name, who is called by typing it",
  async (desk) => {
    const callee = await Person.guest(desk, "?user=Zoe7");
    assert.equal(callee.name, "Zoe7");
    const caller = await Person.guest(desk);
    await caller.types("#target", "Zoe7");
    await caller.presses("#dial-call");
    await callee.presses("#answer");
    await Promise.all([caller.hears(), callee.hears()]);
    nobodyHadTrouble(caller, callee);
  });

test("a wrong password is said in words, and the right one opens the phone", async (desk) => {
  const { user, password } = desk.account();
  const person = new Person(await desk.tab(user), desk.server.origin);
  await person.page.goto(person.origin);
  await person.sees("#signin");
  await person.seesNoMore("#guest");
  await signsIn(person, user, "wrong horse");
  await person.sees("#notice", `Wrong password for ${user}, or nobody of that name.`);
  await signsIn(person, user, password);
  await person.isOnline();
  assert.equal(person.name, user);
  await person.sees("#nobody, .person");
  nobodyHadTrouble(person);
});

test("markup in a display name and in a message is text to whoever is called and written to",
  async (desk) => {
    const [writer, reader] = [desk.account(), desk.account()];
    const one = new Person(await desk.tab(writer.user), desk.server.origin);
    const other = new Person(await desk.tab(reader.user), desk.server.origin);
    for (const [person, { user, password }, name] of [[one, writer, hostile("name")], [other, reader, ""]]) {
      await person.page.goto(person.origin);
      await person.types("#display-name", name);
      await signsIn(person, user, password);
      await person.isOnline();
    }
    await one.types("#message-to", reader.user);
    await writes(one, hostile("body"));
    await other.sees(".bubble.in .body", hostile("body"));
    await one.types("#target", reader.user);
    await one.presses("#dial-call");
    await other.sees("#answer");
    await other.sees("#call", "<img src=x");
    await other.presses("#decline");
    for (const { page } of [one, other]) {
      assert.equal(await page.locator("img[src=x]").count(), 0);
      assert.deepEqual(await page.evaluate(() => [window.name_, window.body_]), [undefined, undefined]);
    }
    nobodyHadTrouble(one, other);
  });

test("even markup that got into the page would run no script", async (desk) => {
  const person = await Person.guest(desk);
  const ran = await person.page.evaluate(async () => {
    const refused = new Promise((resolve) => document.addEventListener("securitypolicyviolation", resolve, { once: true }));
    const place = document.createElement("div");
    place.innerHTML = '<img src="/nothing.png" onerror="window.name_ = 1">';
    document.body.append(place);
    const script = document.createElement("script");
    script.textContent = "window.body_ = 1";
    document.body.append(script);
    return [(await refused).effectiveDirective.split("-").slice(0, 2).join("-"), window.name_, window.body_];
  });
  assert.deepEqual(ran, ["script-src", undefined, undefined]);
});

for (const colorScheme of ["light", "dark"]) {
  test(`the page is accessible and fits the smallest telephone, ${colorScheme}`, async (desk) => {
    const [one, other] = await guests(desk);
    const look = async (person, what) => {
      await person.findsItAccessible(what);
      await person.findsItFitting(what);
    };
    for (const { page } of [one, other]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width: 320, height: 568 });
    }
    await one.sees(`.person[data-user="${other.name}"]`);
    await look(one, "the board");
    await one.types("#message-to", "a-name-that-is-rather-longer-than-a-telephone-is-wide");
    await writes(one, `${text} ${"endless".repeat(20)}`);
    await one.sees('.bubble[data-state="failed"]');
    await look(one, "messages");
    await one.calls(other);
    await other.sees("#answer");
    await Promise.all([look(one, "ringing"), look(other, "being called")]);
    await other.presses("#answer");
    await one.hears();
    await look(one, "talking");
    await one.presses("#hangup");
    await one.isTold("You hung up.");
    await look(one, "the end");
    await one.presses("#signout");
    await one.sees("#signin");
    await look(one, "signing in");
    nobodyHadTrouble(one, other);
  });
}

function hostile(mark) {
  return `<img src=x onerror="window.${mark}_ = 1"><script>window.${mark}_ = 1</script>`;
}

async function guests(desk) {
  return await Promise.all([Person.guest(desk), Person.guest(desk)]);
}

async function talk(caller, callee) {
  await caller.calls(callee);
  await callee.presses("#answer");
  await Promise.all([caller.talks(), callee.talks()]);
  await Promise.all([caller.hears(), callee.hears()]);
}

async function writes(person, words) {
  await person.types("#message-text", words);
  await person.presses("#send");
}

async function signsIn(person, user, password) {
  await person.types("#user", user);
  await person.types("#password", password);
  await person.presses("#enter");
}

function nobodyHadTrouble(...people) {
  for (const person of people) person.hadNoTrouble();
}
