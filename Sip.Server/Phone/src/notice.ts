// What must the person know now? One line under the header, for errors and their way out.
import { byId } from "./dom";

const bar = byId("notice-bar", HTMLElement);
const notice = byId("notice", HTMLElement);
let timer: ReturnType<typeof setTimeout> | undefined;

byId("notice-close", HTMLButtonElement).addEventListener("click", clearNotice);

/** Shows an error until it is closed or the next thing goes well. */
export function warn(words: string): void {
  show(words, "error");
}

/** Shows a fact for a few seconds. */
export function tell(words: string): void {
  show(words, "info");
  timer = setTimeout(clearNotice, 8000);
}

export function clearNotice(): void {
  clearTimeout(timer);
  bar.hidden = true;
  notice.textContent = "";
}

function show(words: string, kind: "error" | "info"): void {
  clearTimeout(timer);
  bar.dataset["kind"] = kind;
  bar.hidden = false;
  notice.textContent = words;
}
