// How does the page touch its own elements? By id, typed, and never by markup from outside.

/** The element with that id; a page without it is broken and says so at once. */
export function byId<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} called ${id}.`);
  return found;
}

/** A new element of that tag and class, with text or children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

const svg = "http://www.w3.org/2000/svg";

/** One of the drawings at the top of index.html. */
export function icon(name: string): SVGSVGElement {
  const drawing = document.createElementNS(svg, "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svg, "use");
  use.setAttribute("href", `#i-${name}`);
  drawing.append(use);
  return drawing;
}

const hues = 6;

/** Shows the first letter of a name on a disc whose colour is always that name's. */
export function paintAvatar(avatar: HTMLElement, name: string): void {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  avatar.dataset["hue"] = String(sum % hues);
  avatar.textContent = [...name][0]?.toUpperCase() ?? "?";
}
