// Where do the two test pages come from? The built files, from a free port of the loopback.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const types = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8" };

/** Serves what is in dist; the result has the origin and closes the port. */
export async function serveTestPages() {
  const server = createServer(async ({ url }, response) => {
    const name = /^\/((?:assets\/)?[\w.-]+\.(html|js))$/.exec(url);
    const file = name && fileURLToPath(new URL(`../dist/${name[1]}`, import.meta.url));
    const body = file && await readFile(file).catch(() => null);
    response.writeHead(body ? 200 : 404, { "content-type": types[name?.[2]] ?? "text/plain" });
    response.end(body ?? "not here");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => server.close().closeAllConnections(),
  };
}
