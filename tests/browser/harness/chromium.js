// Which browser? Chromium without a window, with a microphone that beeps, talking to itself over
// the loopback, quiet towards the rest of the world.
import { chromium } from "playwright-core";

const features = [
  "WebRtcHideLocalIpsWithMdns", "MediaRouter", "OptimizationHints", "Translate",
  "DialMediaRouteProvider", "CertificateTransparencyComponentUpdater",
];

export async function launchChromium() {
  return await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
      "--disable-background-networking", "--disable-component-update", "--no-pings",
      "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
      "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
      "--ignore-certificate-errors", `--disable-features=${features.join(",")}`,
    ],
  });
}
