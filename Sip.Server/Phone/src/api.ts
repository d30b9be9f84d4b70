// What can the page ask the server over HTTP? Settings, a guest account, and who is online.
import { readSettings, type Settings } from "./settings";

export interface Guest {
  readonly user: string;
  readonly password: string;
}

export interface OnlineUser {
  readonly user: string;
  readonly contacts: number;
}

/** An answer, or the sentence that says why there is none. */
export type Reply<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "problem"; readonly words: string };

export async function getSettings(): Promise<Reply<Settings>> {
  return await ask("/api/settings", {}, readSettings);
}

/** The guest of that name, or the next free one. */
export async function postGuest(user: string | null): Promise<Reply<Guest>> {
  const query = user === null ? "" : `?user=${encodeURIComponent(user)}`;
  return await ask(`/api/guest${query}`, { method: "POST" }, readGuest);
}

/** Who is online; without guests the server wants to know who asks. */
export async function getOnline(asking: Guest | null): Promise<Reply<readonly OnlineUser[]>> {
  const headers: Record<string, string> =
    asking === null ? {} : { Authorization: `Basic ${basic(asking)}` };
  return await ask("/api/online", { headers }, readOnline);
}

async function ask<T>(
  path: string,
  init: RequestInit,
  read: (value: unknown) => T | undefined,
): Promise<Reply<T>> {
  let response: Response;
  try {
    response = await fetch(path, {
      ...init,
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.timeout(10_000),
    });
  } catch {
    return { kind: "problem", words: `The server at ${location.origin} does not answer.` };
  }
  const body: unknown = await response.json().catch(() => undefined);
  const value = response.ok ? read(body) : undefined;
  if (value !== undefined) return { kind: "ok", value };
  const unexpected = `The server answered ${path} with something odd (${response.status}).`;
  return { kind: "problem", words: readError(body) ?? unexpected };
}

function readError(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  return typeof body.error === "string" && body.error !== "" ? body.error : undefined;
}

function readGuest(body: unknown): Guest | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { user, password } = body as Record<string, unknown>;
  return typeof user === "string" && typeof password === "string" ? { user, password } : undefined;
}

function readOnline(body: unknown): readonly OnlineUser[] | undefined {
  if (typeof body !== "object" || body === null || !("users" in body)) return undefined;
  if (!Array.isArray(body.users)) return undefined;
  return body.users.filter(
    (entry: unknown): entry is OnlineUser =>
      typeof entry === "object" && entry !== null && "user" in entry &&
      typeof entry.user === "string",
  );
}

function basic({ user, password }: Guest): string {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return btoa(String.fromCharCode(...bytes));
}
