// How does a case get a desk phone? A baresip with a folder of its own, which answers calls with a tone.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "./process.js";

const modules = ["stdio", "g711", "opus", "ausine", "uuid", "account", "menu", "contact", "ice", "dtls_srtp", "outbound"];

/** A baresip for that account, its parameters behind; it says what it does with SIP. */
export async function startBaresip({ uri, user, password }, parameters) {
  const folder = await mkdtemp(join(tmpdir(), "sip-baresip-"));
  const account = `<${uri}>;auth_user=${user};auth_pass="${password}";answermode=auto${parameters}`;
  await writeFile(join(folder, "accounts"), `${account}\n`);
  await writeFile(join(folder, "contacts"), "");
  await writeFile(join(folder, "config"), [
    "poll_method epoll",
    "sip_listen 127.0.0.1:0",
    "audio_player ausine,none",
    "audio_source ausine,440",
    "audio_alert ausine,none",
    "rtcp_mux yes",
    "module_path /usr/lib/baresip/modules",
    ...modules.map((name) => `${["uuid", "account", "menu", "contact"].includes(name) ? "module_app" : "module"} ${name}.so`),
  ].join("\n") + "\n");
  const phone = startProcess("baresip", ["-f", folder, "-s", "-4"]);
  return {
    ...phone,
    async stop() {
      await phone.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
