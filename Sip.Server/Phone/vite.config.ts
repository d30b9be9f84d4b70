// How the page is built: plain files for the server's web root, nothing inline and nothing
// from another host, so that the strictest content security policy can be sent with it.
import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

// JsSIP reads its own package.json for two of its fields; the rest need not reach the browser.
const slimJsSip: Plugin = {
  name: "slim-jssip",
  load(id) {
    if (!id.endsWith("/jssip/package.json")) return null;
    const { title, version } = JSON.parse(readFileSync(id, "utf8")) as Record<string, string>;
    return JSON.stringify({ title, version });
  },
};

export default defineConfig({
  base: "./",
  plugins: [slimJsSip],
  build: {
    outDir: "../wwwroot",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "licenses.md" },
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": "http://127.0.0.1:8080" },
  },
});
