// What does the person see and press during a call? The panel that follows one call.
import type { Call } from "./call";
import { byId, paintAvatar } from "./dom";
import { warn } from "./notice";
import { blink, hush, ring, steady } from "./ring";
import { listen, type Sound } from "./sound";

// How long the words about the end stay, unless they are closed: long ones take longer to read.
const farewell = (text: string): number => 4500 + 70 * text.length;
// Packets without any sound in them for this long deserve a word.
const patience = 4000;

const panel = byId("call", HTMLElement);
const avatar = byId("call-avatar", HTMLElement);
const peer = byId("call-peer", HTMLElement);
const words = byId("call-words", HTMLElement);
const timer = byId("call-timer", HTMLElement);
const sound = byId("sound", HTMLElement);
const soundWords = byId("sound-words", HTMLElement);
const mine = byId("level-mine", HTMLElement);
const theirs = byId("level-theirs", HTMLElement);
const theirName = byId("level-name", HTMLElement);
const remote = byId("remote", HTMLAudioElement);
const answer = byId("answer", HTMLButtonElement);
const decline = byId("decline", HTMLButtonElement);
const mute = byId("mute", HTMLButtonElement);
const muteWords = byId("mute-words", HTMLElement);
const hangup = byId("hangup", HTMLButtonElement);
const hangupWords = byId("hangup-words", HTMLElement);
const close = byId("call-close", HTMLButtonElement);

let shown: Call | null = null;
let opener: Element | null = null;
let heard: RTCPeerConnection | null = null;
let stopListening: (() => void) | undefined;
let clock: ReturnType<typeof setInterval> | undefined;
let leaving: ReturnType<typeof setTimeout> | undefined;

answer.addEventListener("click", () => void shown?.answer());
decline.addEventListener("click", () => shown?.decline());
mute.addEventListener("click", () => shown?.toggleMute());
hangup.addEventListener("click", () => shown?.hangUp());
close.addEventListener("click", leave);

/** Shows the call from now to its end. */
export function follow(call: Call): void {
  clearTimeout(leaving);
  shown = call;
  if (!panel.contains(document.activeElement)) opener = document.activeElement;
  paintAvatar(avatar, call.peer);
  peer.textContent = call.peer;
  theirName.textContent = call.peer;
  timer.textContent = "0:00";
  call.changed.on(show);
  call.problem.on(warn);
  panel.hidden = false;
  show(call);
  if (call.incoming) {
    ring("incoming");
    blink(`${call.peer} is calling`);
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.([300, 150, 300]);
    if (document.activeElement === document.body) answer.focus();
  } else {
    hangup.focus();
  }
}

function show(call: Call): void {
  if (call !== shown) return;
  const { state } = call;
  const before = panel.dataset["state"];
  const focused = panel.contains(document.activeElement);
  panel.dataset["state"] = state;
  words.textContent = call.words;
  answer.hidden = decline.hidden = state !== "incoming";
  answer.disabled = call.answering;
  mute.hidden = timer.hidden = sound.hidden = state !== "talking";
  hangup.hidden = state !== "ringing" && state !== "talking";
  hangupWords.textContent = state === "ringing" ? "Cancel" : "Hang up";
  close.hidden = state !== "ended";
  mute.setAttribute("aria-pressed", String(call.muted));
  muteWords.textContent = call.muted ? "Unmute" : "Mute";
  panel.dataset["muted"] = String(call.muted);

  if (call.connection !== null && call.connection !== heard) hear(call.connection);
  if (state === "ringing" && call.words.startsWith("Ringing") && before === "ringing") {
    ring("outgoing");
  }
  if (state !== "incoming" || call.answering) steady();
  if (state === "talking" || state === "ended" || call.answering) hush();
  if (state === before) return;
  if (state === "talking") talk(call);
  if (state === "ended") end(call);
  if (focused) (state === "talking" ? hangup : close).focus();
}

function hear(connection: RTCPeerConnection): void {
  heard = connection;
  connection.addEventListener("track", ({ track, streams }) => {
    remote.srcObject = streams[0] ?? new MediaStream([track]);
    void remote.play().catch(() => warn("The browser keeps the sound off: touch the page once."));
  });
}

function talk(call: Call): void {
  const began = call.talkingSince ?? performance.now();
  const tick = (): void => {
    timer.textContent = duration(performance.now() - began);
  };
  tick();
  clock = setInterval(tick, 500);
  if (call.connection === null) return;
  stopListening = listen(call.connection, (now) => {
    showSound(now, call, performance.now() - began);
  });
}

function showSound(now: Sound, call: Call, talking: number): void {
  if (call !== shown || call.state !== "talking") return;
  sound.dataset["hearing"] = String(now.hearing);
  sound.dataset["packets"] = String(now.packets);
  // Loudness is felt by its logarithm; the square root is near enough for a bar.
  mine.style.setProperty("--level", String(call.muted ? 0 : Math.sqrt(now.mine)));
  theirs.style.setProperty("--level", String(Math.sqrt(now.theirs)));
  const silent = now.packets === 0 ? `Nothing arrives from ${call.peer} yet` : "It is quiet";
  const text = now.hearing
    ? `Hearing ${call.peer}`
    : talking > patience || now.packets > 0 ? silent : "Listening…";
  if (soundWords.textContent !== text) soundWords.textContent = text;
}

function end(call: Call): void {
  clearInterval(clock);
  stopListening?.();
  stopListening = undefined;
  remote.srcObject = null;
  if (call.talkingSince !== null) {
    words.textContent = `${call.words} ${duration(performance.now() - call.talkingSince)}`;
  }
  leaving = setTimeout(leave, farewell(call.words));
}

function leave(): void {
  clearTimeout(leaving);
  const focused = panel.contains(document.activeElement);
  panel.hidden = true;
  // Back to where the person was, but never into a field: that would raise a phone's keyboard.
  if (focused && opener instanceof HTMLButtonElement) opener.focus({ preventScroll: true });
}

function duration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  const rest = String(seconds % 60).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${rest}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}
