// Who vouches for the users of a web application? An issuer of tokens with a key pair of its own, and an
// application with an API key.
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const apiKey = "0123456789abcdef0123456789abcdef";
export const turnSecret = "north";
const issuer = "https://issuer.example";
const audience = "sip.example.test";
const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Options of a server that trusts both. */
export function issuerOptions() {
  const folder = mkdtempSync(join(tmpdir(), "sip-keys-"));
  writeFileSync(join(folder, "key1.pem"), publicKey.export({ type: "spki", format: "pem" }));
  return [
    "--api-key", apiKey, "--turn-secret", turnSecret,
    "--ice", "stun:127.0.0.1:3478", "--ice", "turn:127.0.0.1:3478",
    "--jwt-issuer", issuer, "--jwt-audience", audience, "--jwt-keys", folder,
  ];
}

/** A token of that user, good for five minutes. */
export function tokenOf(user) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 300;
  const signed = `${part({ alg: "ES256", kid: "key1", typ: "JWT" })}.${
    part({ iss: issuer, aud: audience, sub: user, exp })}`;
  const signature = sign("sha256", Buffer.from(signed), { key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}
