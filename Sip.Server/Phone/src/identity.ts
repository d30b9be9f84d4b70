// Who is this tab? A guest and a +sip.instance (RFC 5626 section 4.1) that outlive a reload,
// and belong to one tab only: a duplicated tab becomes somebody new.
import type { Guest } from "./api";

const guestKey = "sip.guest";
const instanceKey = "sip.instance";
const userKey = "sip.user";

/** The guest this tab was handed earlier. */
export function keptGuest(): Guest | null {
  try {
    const { user, password } = JSON.parse(sessionStorage.getItem(guestKey) ?? "null") as Guest;
    return typeof user === "string" && typeof password === "string" ? { user, password } : null;
  } catch {
    return null;
  }
}

export function keepGuest(guest: Guest): void {
  sessionStorage.setItem(guestKey, JSON.stringify(guest));
}

export function forgetGuest(): void {
  sessionStorage.removeItem(guestKey);
}

/** The name last signed in with; the password stays with the browser's own keeper. */
export function keptUser(): string {
  return sessionStorage.getItem(userKey) ?? "";
}

export function keepUser(user: string): void {
  sessionStorage.setItem(userKey, user);
}

/** The instance id of this tab; a copy of another tab gets its own and loses the guest. */
export async function claimInstance(): Promise<string> {
  const kept = sessionStorage.getItem(instanceKey);
  if (kept !== null && (await isOurs(kept))) return kept;
  if (kept !== null) forgetGuest();
  const fresh = uuid();
  sessionStorage.setItem(instanceKey, fresh);
  await isOurs(fresh);
  return fresh;
}

// The lock is held until the tab goes. A reload may have to wait for the page before it to let go.
function isOurs(instance: string): Promise<boolean> {
  if (!("locks" in navigator)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = () => {
      resolve(true);
      return new Promise<never>(() => {});
    };
    navigator.locks
      .request(`sip ${instance}`, { signal: AbortSignal.timeout(800) }, held)
      .catch(() => resolve(false));
  });
}

// crypto.randomUUID is only there on secure addresses.
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
