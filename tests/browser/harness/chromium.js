// Which browser? Chromium without a window, with a microphone that beeps, talking to itself over
// the loopback, quiet towards the rest of the world.
import { chromium } from "playwright-core";

const features = [
  "WebRtcHideLocalIpsWithMdns", "MediaRouter", "OptimizationHints", "Translate",
  "DialMediaRouteProvider", "CertificateTransparencyComponentUpdater",
];

/** Without the loopback it offers its other addresses only, for a peer that knows but one. */
export async function launchChromium({ loopback = true } = {}) {
  return await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
      "--disable-background-networking", "--disable-component-update", "--no-pings",
      "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
      "--autoplay-policy=no-user-gesture-required",
      ...(loopback ? ["--allow-loopback-in-peer-connection"] : []),
      "--ignore-certificate-errors", `--disable-features=${features.join(",")}`,
    ],
  });
}
