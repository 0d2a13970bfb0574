import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { build } from "esbuild";
import type { Locator, Page } from "playwright-core";
import { expect, onTestFinished, test } from "vitest";
import { anywhere } from "../../scripts/bundle.mjs";
import { collectZoo } from "../../scripts/zooFiles.mjs";
import { creatures } from "../../src/data/creatures/creatures.ts";
import { Device } from "../../src/engine/gpu/device.ts";
import { similarTo } from "../../src/eval/maps/patchSearch.ts";
import { cividis } from "../../src/explorer/cividis.ts";
import { placeMaps } from "../../src/explorer/placeMaps.ts";
import { METHODS } from "../../src/models/methods.ts";
import { savedEncoder } from "../../src/train/checkpoint.ts";
import { openSaved } from "../../src/train/encoderFile.ts";
import { testGpu, testOptions } from "../gpu.ts";
import { sourceOf } from "../train/savedFile.ts";
import type { Embedding } from "./explorerEmbedded.ts";
import { tinyEncoderFile } from "./explorerEncoder.ts";
import { PATIENCE, textOf, withPages } from "./pages.ts";

const pages = withPages();
const encoderFile = { name: "tiny.safetensors", mimeType: "", buffer: Buffer.from(tinyEncoderFile()) };

/** The page, with what its console and its errors say. `zoo` is a folder to serve as its zoo. */
async function openExplorer(width: number, zoo?: string): Promise<{ page: Page; errors: string[] }> {
  const page = await pages.browser.newPage({ viewport: { width, height: 900 } });
  page.setDefaultTimeout(PATIENCE.timeout);
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  if (zoo !== undefined) {
    await page.route("**/zoo/*", (route) =>
      route.fulfill({ path: join(zoo, basename(route.request().url())) }),
    );
  }
  await page.goto(`${pages.url}explorer.html`);
  await settled(page);
  return { page, errors };
}

/** A page of someone's own, which loads explorerEmbedded.ts. */
async function openEmbedding(): Promise<Page> {
  const { outputFiles } = await build({
    ...anywhere,
    entryPoints: ["test/web/explorerEmbedded.ts"],
    write: false,
  });
  const page = await pages.browser.newPage();
  page.setDefaultTimeout(PATIENCE.timeout);
  await page.route("**/embedded.js", (route) =>
    route.fulfill({ contentType: "text/javascript", body: outputFiles[0]!.text }),
  );
  await page.route("**/own.html", (route) =>
    route.fulfill({
      contentType: "text/html",
      body: "<!doctype html><script type=module src=embedded.js></script>",
    }),
  );
  await page.goto(`${pages.url}own.html`);
  return page;
}

const settled = (page: Page) =>
  expect.poll(() => textOf(page, "status"), PATIENCE).toMatch(/^(Ready|Stopped)$/);

const status = (page: Page): Locator => page.locator("#explorer").getByRole("status");

/** Names of all that can be reached by keys, as a screen reader has them. */
const controlsOf = (page: Page): Promise<string[]> =>
  page.locator("button:visible, input:visible, select:visible, a:visible").evaluateAll((controls) =>
    controls.map((control) => {
      const { labels } = control as HTMLInputElement;
      return (control.ariaLabel ?? labels?.[0]?.textContent ?? control.textContent ?? "").trim();
    }),
  );

test("on a page's own device it finds and paints what Node finds, and leaves page and device as they were", async () => {
  const asked: Embedding = {
    bytes: [...tinyEncoderFile()],
    count: 5,
    side: 48,
    place: { picture: 2, row: 1, column: 3 },
  };
  const page = await openEmbedding();
  const seen = await page.evaluate((given) => window.embed(given), asked);
  await page.close();
  expect(seen.childrenLeft).toBe(0);
  expect(seen.copied).toEqual([1, 2, 3, 4]);
  expect(seen.errors).toEqual([]);
  expect(seen.held.after).toBe(seen.held.before);

  const device = await Device.open(testGpu(), testOptions());
  const encoder = await savedEncoder(device, await openSaved("tiny", sourceOf(tinyEncoderFile())));
  const maps = await placeMaps(device, encoder, creatures({ count: 5, size: 48 }), {
    projection: "bottleneck",
  });
  expect(seen.readings.map(({ name }) => name)).toEqual(["encoder", "bottleneck"]);
  for (const [i, { name, maps: found, top }] of seen.readings.entries()) {
    const wanted = await similarTo(device, maps[name]!, asked.place, { k: 6, keepSelf: false });
    expect(found).toHaveLength(5 * 16);
    for (const [k, cosine] of found.entries()) expect(Math.abs(cosine - wanted.maps[k]!)).toBeLessThan(1e-4);
    expect(top.map(({ similarity: _, ...place }) => place)).toEqual(
      wanted.top.map(({ similarity: _, ...place }) => place),
    );
    const [least, most] = [Math.min(...found), Math.max(...found)];
    for (const [k, cosine] of found.entries()) {
      const pixel = seen.colours[5 * i + Math.floor(k / 16)]!.slice(4 * (k % 16), 4 * (k % 16) + 3);
      expect(pixel).toEqual(cividis((cosine - least) / (most - least)));
    }
  }
  device.destroy();
});

test("pictures are searched at once, by keys and by clicks, and every control has a name", async () => {
  const { page, errors } = await openExplorer(390);
  expect(await textOf(page, "which")).toMatch(/^dino, untrained/);
  expect(await page.getByLabel("Choose an encoder").locator("option").allInnerTexts()).toEqual(
    Object.keys(METHODS),
  );
  const first = await status(page).innerText();
  expect(first).toMatch(
    /^Most alike\. Encoder: picture \d+, row \d, column \d, cosine [01]\.\d\d\. Bottleneck: picture \d+, row \d, column \d, /,
  );
  expect((await controlsOf(page)).filter((name) => name === "")).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

  const grid = page.getByRole("grid", { name: "Patches of picture 1" });
  expect(await grid.getByRole("row").count()).toBe(8);
  await grid.getByRole("gridcell", { selected: true }).focus();
  for (const key of ["ArrowLeft", "ArrowUp", "Home", "ArrowDown", "Enter"]) await page.keyboard.press(key);
  const chosen = grid.getByRole("gridcell", { selected: true });
  await expect.poll(() => chosen.getAttribute("aria-label"), PATIENCE).toBe("Row 5, column 1");
  expect(await status(page).innerText()).not.toBe(first);
  expect(await grid.locator("button[tabindex='0']").count()).toBe(1);

  const maps = page.getByRole("list", { name: "Bottleneck: heat maps" });
  const tile = maps.getByRole("button", { name: /^Picture 3,/ });
  const { width, height } = (await tile.boundingBox())!;
  await tile.click({ position: { x: 0.9 * width, y: 0.3 * height } });
  const other = page.getByRole("grid", { name: "Patches of picture 3" });
  await expect
    .poll(() => other.getByRole("gridcell", { selected: true }).getAttribute("aria-label"), PATIENCE)
    .toBe("Row 3, column 8");
  const crop = page.getByRole("list", { name: "Encoder: best matches" }).getByRole("button").first();
  await crop.press("Enter");
  await expect
    .poll(() => page.getByRole("grid").getAttribute("aria-label"), PATIENCE)
    .not.toContain("picture 3");
  await expect.poll(() => crop.evaluate((button) => button.matches(":focus")), PATIENCE).toBe(true);

  await page.getByRole("button", { name: "Draw other creatures" }).click();
  await settled(page);
  expect(await maps.getByRole("button").count()).toBe(12);
  expect(errors).toEqual([]);
  await page.close();
});

test("an encoder of one's own, from a file or trained here, takes over; what cannot be read is named", async () => {
  const { page, errors } = await openExplorer(1280);
  const advice = () => textOf(page, "trouble-advice");
  const file = page.getByLabel("A file of yours");
  await file.setInputFiles({
    ...encoderFile,
    name: "cut.safetensors",
    buffer: encoderFile.buffer.subarray(0, 300),
  });
  await expect.poll(advice, PATIENCE).toMatch(/^cut\.safetensors: /);
  await page.getByLabel("Or your own").setInputFiles({ ...encoderFile, name: "notes.txt" });
  await expect.poll(advice, PATIENCE).toMatch(/^notes\.txt: must be a JPEG, PNG or WebP picture/);
  await page.getByLabel("Or your own").setInputFiles({ ...encoderFile, name: "broken.png" });
  await expect.poll(advice, PATIENCE).toContain("broken.png");
  expect(await textOf(page, "which")).toMatch(/^dino, untrained/);

  await file.setInputFiles(encoderFile);
  await expect
    .poll(() => textOf(page, "which"), PATIENCE)
    .toMatch(/^tiny\.safetensors: dino, vit_micro_patch8_32, 9 steps/);
  await settled(page);
  expect(await page.getByRole("grid").getByRole("row").count()).toBe(4);
  expect(await page.getByRole("alert").allInnerTexts()).toEqual([]);
  expect(await page.getByRole("button", { name: "Train here" }).isVisible()).toBe(false);

  // A worker's words alone: training itself is held in page.test.ts.
  await page.route("**/worker.js", (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: `self.onmessage = () => {
        for (const step of [0, 1, 2]) self.postMessage({ kind: "progress", row: { step, loss: 4, secondsLeft: 9 } });
        self.postMessage({ kind: "encoder", bytes: Uint8Array.from([${tinyEncoderFile()}]) });
      };`,
    }),
  );
  const encoders = page.getByLabel("Choose an encoder");
  await encoders.evaluate(
    (select: HTMLSelectElement, bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], "dropped.safetensors"));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
      select.value = "mae"; // while the file opens
      select.dispatchEvent(new Event("change"));
    },
    [...tinyEncoderFile()],
  );
  await expect.poll(() => textOf(page, "which"), PATIENCE).toMatch(/^mae, untrained/);
  expect(await page.getByText("without a projection").isVisible()).toBe(true);
  await settled(page);
  expect(await encoders.inputValue()).toBe("mae");
  const announced = await page.locator("#status").evaluateHandle((region) => {
    const said: string[] = [];
    new MutationObserver(() => said.push(region.textContent)).observe(region, { childList: true });
    return said;
  });
  await page.getByRole("button", { name: "Train here" }).click();
  await expect.poll(() => textOf(page, "which"), PATIENCE).toBe("mae, trained in this tab for 300 steps.");
  await settled(page);
  expect(await announced.jsonValue()).toEqual(["Training", "Loading mae", "Ready"]); // no step of it
  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save this encoder" }).click();
  expect((await saving).suggestedFilename()).toBe("mae.safetensors");
  expect(errors).toEqual([]);

  await settled(page);
  await (await pages.browser.newBrowserCDPSession()).send("Browser.crashGpuProcess" as "Browser.crash");
  await expect
    .poll(async () => {
      await page.getByRole("gridcell").first().click();
      return page.getByRole("alert").allInnerTexts();
    }, PATIENCE)
    .toEqual([expect.stringContaining("Reload the page to go on.")]);
  await page.close();
});

/** A zoo as the script makes it of a study, of two encoders of one file -> its folder. */
function writeZoo(folder: string): string {
  const results = ["dino", "mae"].map((encoder) => {
    const cell = join(folder, "coat", `${encoder}-0`);
    mkdirSync(cell, { recursive: true });
    writeFileSync(join(cell, "encoder.safetensors"), tinyEncoderFile());
    const plan = { model: "vit_micro_patch8_32", data: { source: "creatures-coat" } };
    return { data: "coat", encoder, seed: 0, plan, training: { pictures: 51_200, seconds: 3 } };
  });
  const report = { plan: { methods: { dino: {}, mae: {} } }, results };
  writeFileSync(join(folder, "report.json"), JSON.stringify(report));
  collectZoo(folder, join(folder, "zoo"), "partwise study coat.yaml");
  return join(folder, "zoo");
}

test("the encoders of a zoo are listed and the first is loaded; a file that is not the zoo's is refused", async () => {
  const folder = mkdtempSync(join(tmpdir(), "partwise-zoo-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const zoo = writeZoo(folder);
  const damaged = tinyEncoderFile();
  damaged[damaged.length - 1]! ^= 1;
  writeFileSync(join(zoo, "coat-mae-0.safetensors"), damaged);
  const { page, errors } = await openExplorer(1280, zoo);
  const encoders = page.getByLabel("Choose an encoder");
  const offered = encoders.locator('optgroup[label="The zoo"] option');
  expect(await offered.allInnerTexts()).toEqual(["dino, creatures-coat", "mae, creatures-coat"]);
  expect(await encoders.inputValue()).toBe("zoo coat-dino-0.safetensors");
  const loaded = "dino of the zoo: trained on creatures-coat, 51,200 pictures seen.";
  expect(await textOf(page, "which")).toBe(loaded);
  expect(await page.getByRole("grid").getByRole("row").count()).toBe(4);

  await encoders.selectOption("zoo coat-mae-0.safetensors");
  await expect
    .poll(() => textOf(page, "trouble-advice"), PATIENCE)
    .toMatch(
      /^coat-mae-0\.safetensors: must have the SHA-256 of zoo\.json, (\w{64}); got (?!\1)\w{64}\. Copy the zoo again$/,
    );
  expect(await textOf(page, "which")).toBe(loaded);
  expect(await encoders.inputValue()).toBe("zoo coat-dino-0.safetensors"); // what is in use
  const levels = await page
    .locator("h1, h2, h3")
    .evaluateAll((all) => all.filter((one) => one.checkVisibility()).map(({ tagName }) => tagName));
  expect(new Set(levels)).toEqual(new Set(["H1", "H2"]));
  expect(errors).toEqual([]);
  await page.close();
});

test("without WebGPU the page says so and offers nothing", async () => {
  const page = await pages.browser.newPage();
  await page.addInitScript(() => Object.defineProperty(navigator, "gpu", { value: undefined }));
  await page.goto(`${pages.url}explorer.html`);
  await expect.poll(() => page.getByRole("alert").innerText(), PATIENCE).toContain("no WebGPU");
  expect(await page.getByRole("button", { name: "Draw other creatures" }).isDisabled()).toBe(true);
  await page.close();
});

test("windows are searched where a page or a person asks for them, and a bar shows how far they are read", async () => {
  const place = { picture: 2, row: 1, column: 2 };
  const asked = { bytes: [...tinyEncoderFile()], count: 4, side: 48, place };
  const page = await openEmbedding();
  const seen = await page.evaluate((given) => window.embed(given), {
    ...asked,
    places: "quarter",
    stays: true,
  } satisfies Embedding);
  const device = await Device.open(testGpu(), testOptions());
  const encoder = await savedEncoder(device, await openSaved("tiny", sourceOf(tinyEncoderFile())));
  const maps = await placeMaps(device, encoder, creatures({ count: 4, size: 48 }), {
    places: "quarter",
    projection: "bottleneck",
  });
  for (const [i, { name, maps: found, top }] of seen.readings.entries()) {
    const wanted = await similarTo(device, maps[name]!, place, { k: 6, keepSelf: false });
    expect(found).toHaveLength(4 * 49);
    for (const [k, cosine] of found.entries()) expect(Math.abs(cosine - wanted.maps[k]!)).toBeLessThan(1e-4);
    expect(top.map(({ picture }) => picture)).not.toContain(2);
    const colour = (x: number, y: number) =>
      seen.colours[4 * i]!.slice(4 * (16 * y + x), 4 * (16 * y + x) + 3);
    const [least, most] = [Math.min(...found), Math.max(...found)];
    const of = (row: number, column: number) => cividis((found[7 * row + column]! - least) / (most - least));
    expect([colour(0, 0), colour(2, 15), colour(3, 8)]).toEqual([of(0, 0), of(6, 0), of(3, 1)]);
  }
  device.destroy();

  const kind = page.getByLabel("Places to compare");
  expect(await kind.inputValue()).toBe("quarter");
  const windows = page.getByRole("grid", { name: "Windows of picture 3" });
  expect(await windows.getByRole("row").count()).toBe(7);
  await windows.getByRole("gridcell", { selected: true }).focus();
  for (const key of ["ArrowRight", "Enter"]) await page.keyboard.press(key);
  const chosen = () => page.getByRole("gridcell", { selected: true }).getAttribute("aria-label");
  await expect.poll(chosen, PATIENCE).toBe("Row 2, column 4");
  const outline = page.locator(".preview").first();
  expect(await outline.evaluate(({ style }) => [style.left, style.top, style.width])).toEqual([
    "37.5%",
    "12.5%",
    "25%",
  ]);
  await windows.getByRole("gridcell", { name: "Row 7, column 1" }).hover();
  expect(await outline.evaluate(({ style }) => [style.left, style.top])).toEqual(["0%", "75%"]);
  await page.mouse.move(0, 0); // the focus is where it was
  expect(await outline.evaluate(({ style }) => [style.left, style.top])).toEqual(["37.5%", "12.5%"]);
  await windows.getByRole("gridcell", { selected: true }).blur();
  expect(await outline.isVisible()).toBe(false);

  await kind.selectOption("patches");
  const patches = page.getByRole("grid", { name: "Patches of picture 3" });
  await expect.poll(() => patches.getByRole("row").count(), PATIENCE).toBe(4);
  await expect.poll(chosen, PATIENCE).toBe("Row 2, column 3"); // the patch in the middle of the window
  const bar = page.locator("progress");
  const shares = await bar.evaluateHandle((one: HTMLProgressElement) => {
    const seen: number[] = [];
    new MutationObserver(() => seen.push(one.value)).observe(one, { attributeFilter: ["value"] });
    return seen;
  });
  await kind.selectOption("quarter");
  await expect.poll(() => windows.count(), PATIENCE).toBe(1);
  expect(await shares.jsonValue()).toEqual([0, 0.5, 1]);
  expect(await bar.isVisible()).toBe(false);
  await page.close();
});

test("sets, searches and explorers at once, refused and ended ones: the last that can be shown is", async () => {
  const page = await openEmbedding();
  const seen = await page.evaluate((bytes) => window.behave(bytes), [...tinyEncoderFile()]);
  expect(seen.refused).toEqual([
    "placeMaps: pictures must be square; got 64 x 36. Cut them first",
    "extractFeatures: own must hold a picture; got 0",
    "own: pixels [4, 48, 48, 3] need 27648 bytes; got 36864. Are the pictures RGB without alpha?",
    "explorer: places must be one of patches, quarter, third, half; got eighth",
    "before it began",
    "while it read",
  ]);
  expect(seen.leftByRefused).toBe(0);
  expect(seen.two[0]).toEqual(seen.two[1]);
  expect(seen.quick).toEqual({ title: "Picture 4", selected: "Row 4, column 4" });
  expect(seen.overlapping).toEqual({ settled: ["fulfilled", "fulfilled"], tiles: 3, largest: 256 });
  const { sentence, ...refusedShow } = seen.refusedShow;
  expect(sentence).toMatch(/^Most alike\./);
  expect(refusedShow).toEqual({
    settled: ["rejected", "rejected"],
    ...{ after: sentence, tiles: 3, busy: "false", bar: true },
  });
  expect(seen.brokenProjection).toEqual({
    told: ["broken: its projection"],
    ...{ chosen: "bottleneck", sentence: true, shown: "" },
  });
  expect(seen.disposed).toEqual({ settled: "fulfilled", children: 1 });
  expect(seen.copied).toEqual([1, 2, 3, 4]);
  expect(seen.held.after).toBe(seen.held.before);

  await page.emulateMedia({ forcedColors: "active" });
  await page.getByRole("gridcell").first().focus();
  const outline = page.locator(".preview").first();
  expect(await outline.evaluate((one) => getComputedStyle(one).outlineStyle)).toBe("dashed");
  await page.close();
});
