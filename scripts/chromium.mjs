// Where the browser tests find Chromium: CHROMIUM if set, else the first usual place that exists.
import { existsSync } from "node:fs";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/snap/bin/chromium",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:/Program Files/Google/Chrome/Application/chrome.exe",
];

/**
 * The path of a Chromium, or undefined if there is none.
 * @returns {string | undefined}
 */
export function findChromium() {
  const chosen = process.env.CHROMIUM;
  return chosen ? (existsSync(chosen) ? chosen : undefined) : PLACES.find((path) => existsSync(path));
}

/**
 * What makes `navigator.gpu` work in a headless Chromium, also as root and without a GPU: Chromium gives its software
 * adapter only with the last one (version 156; without it `requestAdapter` gives null).
 */
export const CHROMIUM_ARGS = ["--headless=new", "--no-sandbox", "--enable-unsafe-webgpu"];
