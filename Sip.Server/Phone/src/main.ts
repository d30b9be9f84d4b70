// The page as a sentence: read the settings, find out who this is, register, show what happens.
import { readAddress, same, toUri } from "./address";
import { getOnline, getSettings, postGuest, type Guest } from "./api";
import { follow } from "./callview";
import { byId } from "./dom";
import { claimInstance, forgetGuest, keepGuest, keptGuest } from "./identity";
import { Messages } from "./messages";
import { isSecure } from "./microphone";
import { clearNotice, tell, warn } from "./notice";
import { Phone, type Account, type Status } from "./phone";
import { Roster } from "./roster";
import { chooseDoor, type Settings } from "./settings";
import { SignIn } from "./signin";
import { noMicrophone } from "./words";

const query = new URLSearchParams(location.search);
const board = byId("board", HTMLElement);
const status = byId("status", HTMLElement);
const me = byId("me", HTMLElement);
const signOut = byId("signout", HTMLButtonElement);
const target = byId("target", HTMLInputElement);

// Where name and password came from: only a guest's may be replaced without asking.
type Origin = "kept" | "new" | "typed";

interface Session {
  readonly phone: Phone;
  readonly roster: Roster;
}

let session: Session | null = null;

void start();

async function start(): Promise<void> {
  showStatus({ state: "connecting", words: "Asking the server…" });
  const reply = await getSettings();
  if (reply.kind === "problem") {
    showStatus({ state: "failed", words: "Not connected" });
    warn(`${reply.words} Trying again in 5 seconds…`);
    setTimeout(() => void start(), 5000);
    return;
  }
  clearNotice();
  const settings = reply.value;
  const door = chooseDoor(settings.webSockets, location.protocol === "https:");
  if (door.kind === "closed") {
    showStatus({ state: "failed", words: "Not connected" });
    return warn(door.words);
  }
  const instance = await claimInstance();
  run(settings, door.url, instance);
}

function run(settings: Settings, url: string, instance: string): void {
  const { domain, iceServers, guests } = settings;
  const signIn = new SignIn(guests);
  const messages = new Messages(domain, (to, text, done) => session?.phone.write(to, text, done));

  const open = (account: Account, from: Origin): void => {
    let mayBeStale = from === "kept";
    const phone = new Phone(account, { url, domain, iceServers, instance });
    const asking: Guest | null = guests ? null : account;
    const roster = new Roster(account.user, guests, () => getOnline(asking));
    session = { phone, roster };

    phone.status.on((now) => {
      showStatus(now);
      if (now.state !== "registered") return;
      roster.refresh();
      mayBeStale = from !== "typed";
    });
    phone.call.on((call) => {
      follow(call);
      call.changed.on(() => {
        if (call.state === "ended") roster.refresh();
      });
    });
    phone.text.on((text) => messages.receive(text));
    phone.refused.on((words) => {
      close();
      if (mayBeStale) {
        // The server has started anew and knows nothing of the guest this tab was.
        forgetGuest();
        void enterAsGuest();
      } else {
        signIn.show();
        warn(words);
      }
    });
    roster.call.on((user) => dial(user));
    roster.message.on((user) => messages.address(user));

    signIn.hide();
    me.textContent = account.user;
    me.title = toUri({ user: account.user, host: domain });
    me.hidden = signOut.hidden = board.hidden = false;
    if (!isSecure()) tell(noMicrophone("", false));
    phone.start();
  };

  const close = (): void => {
    session?.phone.stop();
    session?.roster.stop();
    session = null;
    me.hidden = signOut.hidden = board.hidden = true;
    showStatus({ state: "offline", words: "Not signed in" });
  };

  const enterAsGuest = async (): Promise<void> => {
    const wanted = query.get("user");
    const kept = keptGuest();
    if (kept !== null && (wanted === null || wanted === kept.user)) {
      return open({ ...kept, displayName: "" }, "kept");
    }
    const reply = await postGuest(wanted);
    if (reply.kind === "problem") {
      showStatus({ state: "offline", words: "Not signed in" });
      signIn.show();
      return warn(reply.words);
    }
    keepGuest(reply.value);
    open({ ...reply.value, displayName: "" }, "new");
  };

  const dial = (typed: string): void => {
    const dialled = readAddress(typed, domain);
    if (dialled.kind === "problem") {
      warn(dialled.words);
      return target.focus();
    }
    if (session === null) return;
    if (session.phone.busy) return warn("You are in a call already. Hang up first.");
    if (same(dialled.address, { user: session.phone.account.user, host: domain })) {
      return warn("That is your own number.");
    }
    clearNotice();
    session.phone.dial(dialled.address);
  };

  byId("dial", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    dial(target.value);
  });
  byId("dial-message", HTMLButtonElement).addEventListener("click", () => {
    messages.address(target.value.trim());
  });
  signOut.addEventListener("click", () => {
    forgetGuest();
    close();
    messages.clear();
    clearNotice();
    signIn.show();
  });
  signIn.account.on((account) => {
    clearNotice();
    open(account, "typed");
  });
  signIn.guest.on(() => {
    clearNotice();
    void enterAsGuest();
  });

  // The page goes: hang up and leave the registrar; one that comes back from the cache starts anew.
  addEventListener("pagehide", () => session?.phone.stop());
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) location.reload();
  });

  if (guests && !query.has("manual")) {
    void enterAsGuest();
  } else {
    showStatus({ state: "offline", words: "Not signed in" });
    signIn.show();
  }
}

function showStatus({ state, words }: Status): void {
  status.dataset["state"] = state;
  if (status.textContent !== words) status.textContent = words;
}
