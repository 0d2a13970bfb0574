/** The page as a person sees it: bundled, served, in a headless Chromium. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { bundleWeb } from "../../scripts/bundle.mjs";
import { serve } from "../../scripts/serve.mjs";
import { startChromium } from "./chromium.ts";

export const PATIENCE = { timeout: 150_000 };
/** Milliseconds between two looks at the page: by itself Playwright looks, and Chromium paints, at every frame. */
const POLLING = 200;

export interface Pages {
  readonly browser: Browser;
  readonly url: string;
  /** A page in a profile of its own, with a run small enough for a software adapter filled in. */
  open(width?: number): Promise<Page>;
}

/** Bundles and serves the page for a test file. */
export function withPages(): Pages {
  const folder = mkdtempSync(join(tmpdir(), "partwise-page-"));
  let browser: Browser;
  let server: Awaited<ReturnType<typeof serve>>;
  beforeAll(async () => {
    await bundleWeb(folder, join(folder, "no zoo")); // what is tested does not depend on the checkout's
    server = await serve(folder, 0);
    browser = await startChromium();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true });
  });
  return {
    get browser() {
      return browser;
    },
    get url() {
      return server.url;
    },
    async open(width = 1280) {
      const page = await browser.newPage({ viewport: { width, height: 844 } });
      page.setDefaultTimeout(PATIENCE.timeout);
      await page.goto(server.url);
      await fill(page);
      return page;
    },
  };
}

/** Fills in a small run. */
export async function fill(page: Page): Promise<void> {
  await page.getByLabel("Batch").fill("2");
  await page.getByLabel("Built-in pictures").fill("40");
}

export const textOf = (page: Page, id: string): Promise<string> => page.locator(`#${id}`).innerText();

/** Waits for the counter to reach a step; fails with the page's own message if the run ends early. */
export async function reach(page: Page, step: number): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      Number(document.querySelector("#step")!.textContent) >= wanted ||
      document.body.dataset.state === "failed",
    step,
    { ...PATIENCE, polling: POLLING },
  );
  expect(await textOf(page, "trouble-advice")).toBe("");
}

/** Waits until what a button began is over; fails with the page's own message if it failed. */
export async function ended(page: Page): Promise<void> {
  const isOver = () => ["idle", "finished", "failed"].includes(document.body.dataset.state!);
  await page.waitForFunction(isOver, undefined, { polling: POLLING });
  expect(await textOf(page, "trouble-advice")).toBe("");
}
