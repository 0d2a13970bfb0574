import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { METHODS } from "../../src/models/methods.ts";
import { openSaved } from "../../src/train/encoderFile.ts";
import { sourceOf } from "../train/savedFile.ts";
import { ended, PATIENCE, reach, textOf, withPages } from "./pages.ts";

const pages = withPages();
const stepOf = async (page: Page): Promise<number> => Number(await textOf(page, "step"));

/** The pictures of a row. */
const rowOf = (page: Page, name: string) => page.getByRole("img", { name: `${name}:` }).locator("canvas");

/** How many different colours the pictures of a row have: 1 while nothing is painted. */
const colours = (page: Page, row: string): Promise<number> =>
  rowOf(page, row).evaluateAll((canvases) => {
    const all = canvases.flatMap((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement;
      const context = (canvas as HTMLCanvasElement).getContext("2d")!;
      return [...new Uint32Array(context.getImageData(0, 0, width, height).data.buffer)];
    });
    return new Set(all).size;
  });

/** What goes wrong on a page or is said on its console as an error, from now on. */
function errorsOf(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", ({ message }) => errors.push(message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  return errors;
}

/** Four files that a person may choose, a JPEG and a PNG by turns. */
async function ownPictures(page: Page): Promise<{ name: string; mimeType: string; buffer: Buffer }[]> {
  const encoded = await page.evaluate(() =>
    Array.from({ length: 4 }, (_, i) => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 50, height: 40 });
      const context = canvas.getContext("2d")!;
      for (let at = 0; at < 50 * 40; at++) {
        const [x, y] = [at % 50, Math.floor(at / 50)];
        context.fillStyle = `hsl(${90 * i + 7 * x} 80% ${30 + y}%)`;
        context.fillRect(x, y, 1, 1);
      }
      return canvas.toDataURL(i % 2 ? "image/png" : "image/jpeg").split(",")[1]!;
    }),
  );
  return encoded.map((data, i) => ({
    name: `picture${i}.${i % 2 ? "png" : "jpg"}`,
    mimeType: i % 2 ? "image/png" : "image/jpeg",
    buffer: Buffer.from(data, "base64"),
  }));
}

test("every method is offered with its line and its own settings", async () => {
  const page = await pages.open(390);
  const errors = errorsOf(page);
  const method = page.getByRole("combobox", { name: /^Method/ });
  expect(await method.locator("option").allInnerTexts()).toEqual(Object.keys(METHODS));
  await page.getByText("Settings of this method").click();
  for (const [name, { about, settings }] of Object.entries(METHODS)) {
    await method.selectOption(name);
    expect(await textOf(page, "about")).toBe(about);
    const flags = Object.values(settings).map(({ flag }) =>
      flag.split(" ")[0]!.slice(2).replaceAll("-", " "),
    );
    const labels = await page.locator("#own label").allInnerTexts();
    expect(labels.map((label) => label.toLowerCase())).toEqual(flags);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  }
  expect(errors).toEqual([]);
  await page.close();
});

test("another method than the first trains on own pictures to the end, and shows its views and signs", async () => {
  const page = await pages.open(390);
  const errors = errorsOf(page);
  await page.getByRole("combobox", { name: /^Method/ }).selectOption("dino");
  await page.getByText("Settings of this method").click();
  const crops = page.getByLabel("Local crops");
  expect(await crops.getAttribute("placeholder")).toBe("4");
  await crops.fill("-1");
  expect(await crops.evaluate((input: HTMLInputElement) => input.validationMessage)).toBe(
    "Local crops must be a whole number of at least 0; got -1",
  );
  await page.getByText("Settings of this method").click();
  await page.getByRole("button", { name: "Start" }).click();
  expect(await textOf(page, "status")).toBe("Ready");
  await crops.fill("1"); // visible, since the wrong one was unfolded
  for (const [label, value] of Object.entries({
    Prototypes: "64",
    "Hidden dim": "32",
    "Bottleneck dim": "16",
  })) {
    await page.getByLabel(label).fill(value);
  }
  await page.getByRole("spinbutton", { name: "Steps" }).fill("2");
  await page.getByLabel("Or your own").setInputFiles(await ownPictures(page));
  expect(await page.getByLabel("Built-in pictures").isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Start" }).click();
  await ended(page);
  expect(await textOf(page, "step")).toBe("2");
  expect(Number(await textOf(page, "loss"))).toBeGreaterThan(0.1);
  expect(await rowOf(page, "Picture").count()).toBe(2);
  for (const row of ["Picture", "View 1", "View 2", "Small view"]) {
    expect(await colours(page, row)).toBeGreaterThan(50);
  }
  const signs = await page.locator("#signs dt").allInnerTexts();
  expect(signs).toContain("Teacher entropy");
  const values = await page.locator("#signs dd").allInnerTexts();
  expect(values).toHaveLength(signs.length);
  expect(values.map(Number).every(Number.isFinite)).toBe(true);
  expect(await page.locator("#warning").isVisible()).toBe(false);

  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save the encoder" }).click();
  const saved = await openSaved("saved", sourceOf(readFileSync(await (await saving).path())));
  expect(saved.info).toMatchObject({
    step: 2,
    settings: { method: "dino", data: { name: "your pictures" } },
  });

  await page.getByRole("button", { name: "Reset" }).click();
  expect(await page.locator("#signs dt").count()).toBe(0);
  await page.getByLabel("Local size").fill("7");
  await page.getByRole("button", { name: "Start" }).click();
  await expect
    .poll(() => textOf(page, "trouble-advice"), PATIENCE)
    .toBe("dino: Local size must be a multiple of the patch size 4; got 7");
  expect(errors).toEqual([]);
  await page.close();
});

test("a collapse is said while the run goes on", async () => {
  const page = await pages.open();
  // The worker's first words, and none of its own: the signs themselves are held in test/train.
  await page.route("**/worker.js", (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: 'self.onmessage = () => self.postMessage({ kind: "warning", sentence: "step 60: collapse" });',
    }),
  );
  await page.getByRole("button", { name: "Start" }).click();
  await expect.poll(() => page.getByRole("alert").allInnerTexts(), PATIENCE).toContain("step 60: collapse");
  await page.getByRole("button", { name: "Reset" }).click();
  expect(await page.locator("#warning").isVisible()).toBe(false);
  await page.close();
});

test("a run keeps the focus, announces no counts, and asks who leaves to stay; Reset brings all back", async () => {
  const page = await pages.open();
  await page.route("**/worker.js", (route) =>
    route.fulfill({
      contentType: "text/javascript",
      body: `self.onmessage = () => {
        for (const done of [1, 11, 21]) {
          self.postMessage({ kind: "preparing", what: "Reading your pictures", share: { done, of: 30 } });
        }
        new BroadcastChannel("end").onmessage = () => {
          self.postMessage({ kind: "encoder", bytes: Uint8Array.of(1, 2, 3) });
          self.postMessage({ kind: "finished" });
        };
      };`,
    }),
  );
  const asksToStay = () =>
    page.evaluate(() => !window.dispatchEvent(new Event("beforeunload", { cancelable: true })));
  const focused = () => page.evaluate(() => document.activeElement!.id);
  await page.evaluate(() => {
    const data = new DataTransfer();
    data.items.add(new File(["any"], "dropped.png"));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
  });
  const files = page.getByLabel("Or your own");
  const count = () => files.evaluate((input: HTMLInputElement) => input.files!.length);
  expect(await count()).toBe(1);
  await page.getByRole("button", { name: "Back to built-in pictures" }).click();
  expect(await count()).toBe(0);
  expect(await page.getByLabel("Built-in pictures").isEnabled()).toBe(true);
  expect(await page.getByRole("button", { name: "Back to built-in" }).isVisible()).toBe(false);

  expect(await asksToStay()).toBe(false);
  const announced = await page.locator("#status").evaluateHandle((region) => {
    const said: string[] = [];
    new MutationObserver(() => said.push(region.textContent!)).observe(region, { childList: true });
    return said;
  });
  await page.locator("#act").press("Enter");
  await expect.poll(() => textOf(page, "share"), PATIENCE).toBe("21 of 30");
  expect([await focused(), await asksToStay()]).toEqual(["act", true]);
  await page.evaluate(() => new BroadcastChannel("end").postMessage(""));
  await ended(page);
  expect(await announced.jsonValue()).toEqual(["Preparing", "Reading your pictures", "Finished"]);
  expect([await textOf(page, "share"), await asksToStay()]).toEqual(["", true]);
  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "Save the encoder" }).click();
  await saving;
  expect(await asksToStay()).toBe(false);

  await page.getByRole("button", { name: "Reset" }).press("Enter");
  expect(await focused()).toBe("reset");
  await expect.poll(() => page.locator("#curve text").last().textContent(), PATIENCE).toBe("step 1000");
  await page.getByRole("spinbutton", { name: "Steps" }).press("Enter");
  expect(await focused()).toBe("act"); // the field is disabled now
  await page.close();
});

test("an adapter that cannot measure times says so, and a run may still be started", async () => {
  const page = await pages.open();
  await page.route("**/worker.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({
      response,
      body: (await response.text()).replaceAll("timestamp-query", "no-feature"),
    });
  });
  await page.getByRole("button", { name: "Profile one step" }).click();
  await expect.poll(() => textOf(page, "trouble-advice"), PATIENCE).toContain("needs timestamp queries");
  await page.getByRole("button", { name: "Reset" }).click();
  expect(await page.getByRole("button", { name: "Start" }).isEnabled()).toBe(true);
  await page.close();
});

test("a picture of one's own that is broken is named", async () => {
  const page = await pages.open();
  const [first, second] = await ownPictures(page);
  const cut = { ...second!, name: "cut.png", buffer: second!.buffer.subarray(0, 60) };
  await page.getByLabel("Or your own").setInputFiles([cut, first!]);
  await page.getByRole("button", { name: "Start" }).click();
  await expect.poll(() => textOf(page, "trouble-advice"), PATIENCE).toContain("cut.png");
  await page.close();
});

test("without WebGPU the page says so and offers no start", async () => {
  const page = await pages.browser.newPage();
  await page.addInitScript(() => Object.defineProperty(navigator, "gpu", { value: undefined }));
  await page.goto(pages.url);
  await expect.poll(() => page.getByRole("alert").innerText(), PATIENCE).toContain("no WebGPU");
  expect(await page.locator("#act").isDisabled()).toBe(true);
  await page.close();
});

describe("a page as wide as a phone, in the order of its tests", () => {
  let page: Page;
  beforeAll(async () => {
    page = await pages.open(390);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  });

  test("a run shows its loss and pictures, leaves the page responsive, and can be paused", async () => {
    const errors: Error[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.getByRole("button", { name: "Start" }).click();
    await reach(page, 1);
    await page.evaluate(() => {
      const frames = { count: 0, since: performance.now() };
      Object.assign(window, { frames });
      const frame = (): void => {
        frames.count++;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });
    await reach(page, 8);
    const frames = await page.evaluate<number>("window.frames.count");
    const seconds = await page.evaluate<number>("(performance.now() - window.frames.since) / 1000");
    // A page that computed itself could paint between two steps at best. On a busy machine both are slow; on a fast one seven
    // steps leave time for a few frames alone.
    expect(frames, `frames in ${seconds} s and seven steps`).toBeGreaterThan(Math.min(14, 20 * seconds));

    expect(Number(await textOf(page, "loss"))).toBeGreaterThan(0.1);
    expect(Number(await textOf(page, "speed"))).toBeGreaterThan(0);
    expect(await textOf(page, "adapter")).toMatch(/swiftshader/i);
    expect(await page.locator("#curve .mean").getAttribute("d")).toMatch(/^M[\d. ]+(L[\d. ]+){7}/);
    for (const row of ["Picture", "View", "View, masked", "View, completed"]) {
      expect(await rowOf(page, row).count()).toBe(2); // as many as the batch has
      expect(await colours(page, row)).toBeGreaterThan(50);
    }

    await page.getByRole("button", { name: "Pause" }).click();
    const progress = async (): Promise<number> => {
      const before = await stepOf(page);
      await page.waitForTimeout(1500);
      return (await stepOf(page)) - before;
    };
    await expect.poll(progress, PATIENCE).toBe(0); // once what was under way has arrived
    const paused = await stepOf(page);
    await page.getByRole("button", { name: "Resume" }).click();
    await reach(page, paused + 2);
    expect(errors).toEqual([]);
  });

  test("nothing overflows at the width of a phone, and a lost device is explained and can be left behind", async () => {
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await (await pages.browser.newBrowserCDPSession()).send("Browser.crashGpuProcess" as "Browser.crash");
    await expect.poll(() => page.getByRole("alert").innerText(), PATIENCE).toContain("device was lost");
    expect(await textOf(page, "status")).toBe("Stopped");
    await expect.poll(() => colours(page, "Picture"), PATIENCE).toBeGreaterThan(50); // painted again
    await page.getByRole("button", { name: "Reset" }).click();
    expect(await page.getByRole("button", { name: "Start" }).isEnabled()).toBe(true);
    expect(await textOf(page, "step")).toBe("–");
  });
});
