// Whom did the person mean? From what was typed, or what a message said, to a SIP address
// (RFC 3261 section 19.1), and back to something short to show.

export interface Address {
  readonly user: string;
  readonly host: string;
}

export type Dialled =
  | { readonly kind: "address"; readonly address: Address }
  | { readonly kind: "problem"; readonly words: string };

const problem = (words: string): Dialled => ({ kind: "problem", words });

/** The address in `bob`, `bob@example.test`, `sip:bob@example.test` or `+49 (30) 12-34`. */
export function readAddress(typed: string, domain: string): Dialled {
  const inBrackets = /<([^>]*)>/.exec(typed)?.[1] ?? typed;
  const text = inBrackets.trim().replace(/^(sip|tel):/i, "");
  if (text === "") return problem("Type a name or an address first.");
  if (/^sips:/i.test(text)) {
    return problem("A browser cannot promise sips: all the way. Dial it with sip: instead.");
  }

  const at = text.lastIndexOf("@");
  const user = at < 0 ? text : text.slice(0, at);
  const host = at < 0 ? domain : withoutParameters(text.slice(at + 1));
  if (user === "") return problem(`“${text}” names nobody: something is missing before the @.`);
  if (host === "") {
    return problem(`“${text}” names no server: something is missing after the @.`);
  }
  if (!/^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i.test(host)) {
    return problem(`“${host}” is not the name of a server.`);
  }

  const bare = /^\+?[\d\s().-]+$/.test(user) ? user.replace(/[\s().-]/g, "") : unescaped(user);
  if (bare === undefined || bare === "" || /[\s"<>@\u0000-\u001f]/.test(bare)) {
    return problem(`“${user}” is not a name that can be dialled.`);
  }
  return { kind: "address", address: { user: bare, host: host.toLowerCase() } };
}

/** The address as a SIP URI. */
export function toUri({ user, host }: Address): string {
  return `sip:${encodeURIComponent(user)}@${host}`;
}

/** The name alone for people at home, the whole address for others. */
export function toLabel({ user, host }: Address, domain: string): string {
  return host.toLowerCase() === domain.toLowerCase() ? user : `${user}@${host}`;
}

/** Whether two addresses mean the same person. */
export function same(a: Address, b: Address): boolean {
  return a.user === b.user && a.host.toLowerCase() === b.host.toLowerCase();
}

function withoutParameters(host: string): string {
  return host.replace(/[;?].*$/, "");
}

function unescaped(user: string): string | undefined {
  try {
    return decodeURIComponent(user);
  } catch {
    return undefined;
  }
}
