import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { ChromeTrace } from "../../src/profile/trace.ts";
import { ended, fill, PATIENCE, textOf, withPages } from "./pages.ts";

const pages = withPages();

/** The stored texts by adapter; with `change` those of every adapter are replaced by it. */
const stored = (page: Page, change?: string): Promise<[string, string][]> =>
  page.evaluate(
    (text) =>
      new Promise<[string, string][]>((resolve, reject) => {
        const opening = indexedDB.open("partwise", 1);
        opening.onerror = () => reject(opening.error);
        opening.onsuccess = () => {
          const store = opening.result.transaction("tuning", "readwrite").objectStore("tuning");
          const keys = store.getAllKeys();
          const values = store.getAll();
          values.onsuccess = () => {
            if (text !== undefined) for (const key of keys.result) store.put(text, key);
          };
          store.transaction.oncomplete = () => {
            opening.result.close();
            resolve(keys.result.map((key, i) => [String(key), values.result[i]]));
          };
        };
      }),
    change,
  );

/** Fills in a small run of the method with the fewest classes of shapes. */
async function fillFewShapes(page: Page): Promise<void> {
  await fill(page);
  await page.getByRole("combobox", { name: /^Method/ }).selectOption("supervised");
}

/** Starts a run, until what is stored was read: it draws so many pictures then that it compiles nothing. */
async function getsPastTheStore(page: Page): Promise<void> {
  await page.getByLabel("Built-in pictures").fill("4000");
  await page.getByRole("button", { name: "Start" }).click();
  await expect.poll(() => textOf(page, "status"), PATIENCE).toBe("Drawing 4000 creatures");
}

/** Profiles a step: its table adds up, and its trace can be saved -> the kernels of the step by name. */
async function profiled(page: Page): Promise<string[]> {
  await page.getByRole("button", { name: "Profile one step" }).click();
  expect(await page.getByRole("button", { name: "Start" }).isDisabled()).toBe(true);
  await ended(page);
  expect(await textOf(page, "status")).toBe("Profiled one step");
  const rows = await page
    .locator("#profiled tbody tr")
    .evaluateAll((lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent!)));
  const kernels = rows.slice(0, -1);
  const dispatches = Number(rows.at(-1)![1]);
  expect(kernels.reduce((all, [, count]) => all + Number(count), 0)).toBe(dispatches);
  expect(Number(rows.at(-1)![2])).toBeGreaterThan(0);
  const rates = await page.locator("#profiled .rates").innerText();
  for (const unit of ["GB/s", "GFLOP/s"]) {
    expect(Number(rates.match(`(\\S+) ${unit}`)?.[1]), rates).toBeGreaterThan(0);
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save the trace" }).click();
  const download = await saving;
  expect(download.suggestedFilename()).toBe("trace.json");
  const { traceEvents } = JSON.parse(readFileSync(await download.path(), "utf8")) as ChromeTrace;
  expect(traceEvents.filter(({ ph }) => ph === "X")).toHaveLength(dispatches);
  return kernels.map(([name]) => name!);
}

test("Tune stores what it measures; a reload profiles with it, and a run may follow; it warns of what it cannot use", async () => {
  const page = await pages.open(390);
  await fillFewShapes(page);
  page.setDefaultTimeout(2 * PATIENCE.timeout); // a software adapter compiles every kernel first
  const warnings: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "warning" && message.text().includes("tuning")) warnings.push(message.text());
  });
  await page.getByRole("button", { name: "Tune" }).click();
  expect(await page.getByRole("button", { name: "Start" }).isDisabled()).toBe(true);
  await ended(page);
  expect(await textOf(page, "status")).toBe("Tuned");
  const [, classes] = /^(\d+) classes of shapes: for \d+ another kernel/.exec(await textOf(page, "tuned"))!;
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  const [[adapter, text] = ["", ""]] = await stored(page);
  const cache = JSON.parse(text);
  expect(adapter).toMatch(/swiftshader/i);
  expect(cache.adapter).toBe(adapter);
  expect(Object.keys(cache.choices)).toHaveLength(Number(classes));

  const choices = Object.fromEntries(Object.keys(cache.choices).map((name) => [name, "register"]));
  await stored(page, JSON.stringify({ ...cache, choices }));
  const reload = async () => {
    await page.reload();
    await fillFewShapes(page);
  };
  await reload();
  expect(await textOf(page, "tuned")).toBe("");
  const kernels = await profiled(page);
  expect(kernels).toContain("attention_forward");
  expect(kernels.filter((name) => name.startsWith("matmul"))).toEqual(["matmul_register"]); // ships without subgroups alone
  await getsPastTheStore(page);
  expect(warnings).toEqual([]);
  await page.getByRole("button", { name: "Reset" }).click();
  expect(await page.locator("#profiled").isVisible()).toBe(false);

  await stored(page, "{");
  await reload();
  await getsPastTheStore(page);
  await expect
    .poll(() => warnings, PATIENCE)
    .toEqual(["The stored tuning is ignored: it is not JSON; Tune writes it anew."]);
  await page.close();
});

test("a browser that stores nothing says so before measuring, and a run still begins", async () => {
  const page = await pages.open();
  await page.route("**/worker.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replaceAll("indexedDB.open", "noStore") });
  });
  await page.getByRole("button", { name: "Tune" }).click();
  await page.waitForFunction(() => document.body.dataset.state === "failed");
  expect(await textOf(page, "trouble-advice")).toMatch(
    /^Tuning must be stored by the browser, which refuses/,
  );
  await page.getByRole("button", { name: "Reset" }).click();
  await getsPastTheStore(page);
  await page.close();
});
