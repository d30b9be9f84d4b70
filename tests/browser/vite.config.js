// How the two test pages are built: each SIP stack bundled once, nothing minified, so that a
// failure can be read.
import { defineConfig } from "vite";

export default defineConfig({
  root: "pages",
  logLevel: "warn",
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    minify: false,
    target: "es2022",
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: ["pages/jssip.html", "pages/sipjs.html"] },
  },
});
