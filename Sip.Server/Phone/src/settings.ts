// What does the server tell the page before anything else: the SIP domain, where its WebSockets
// (RFC 7118) are, whether guests are welcome, and the ICE servers for the browser.

export interface Settings {
  readonly domain: string;
  readonly webSockets: readonly string[];
  readonly guests: boolean;
  readonly iceServers: readonly RTCIceServer[];
}

export type Door =
  | { readonly kind: "open"; readonly url: string }
  | { readonly kind: "closed"; readonly words: string };

/** The WebSocket this page may use: wss from an https page, else ws first. */
export function chooseDoor(webSockets: readonly string[], pageIsHttps: boolean): Door {
  const secure = webSockets.find((url) => /^wss:/i.test(url));
  const plain = webSockets.find((url) => /^ws:/i.test(url));
  const url = pageIsHttps ? secure : (plain ?? secure);
  if (url !== undefined) return { kind: "open", url };
  return pageIsHttps && plain !== undefined
    ? {
        kind: "closed",
        words:
          "This page came over https, and the server offers no wss:// address to go with it. " +
          "Give the server a certificate for WebSocket, or open the page over http on localhost.",
      }
    : { kind: "closed", words: "The server offers no WebSocket address, so nobody can call." };
}

/** The settings in an answer of the server, or nothing when they are not settings. */
export function readSettings(value: unknown): Settings | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { domain, webSockets, guests, iceServers } = value as Record<string, unknown>;
  if (typeof domain !== "string" || domain === "" || !Array.isArray(webSockets)) return undefined;
  return {
    domain,
    webSockets: webSockets.filter((url): url is string => typeof url === "string"),
    guests: guests === true,
    iceServers: Array.isArray(iceServers) ? (iceServers as RTCIceServer[]) : [],
  };
}
