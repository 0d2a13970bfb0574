import { afterEach, expect, test, vi } from "vitest";
import { zooOffers } from "../../web/encoders.ts";

afterEach(() => vi.unstubAllGlobals());

const zoo = { encoders: [{ method: "mae", file: "a", sha256: "0", pictures: 1000, data: "coat" }] };

test.each<[string, () => Promise<Response>, number]>([
  ["zoo.json", async () => Response.json(zoo), 1],
  ["a status", async () => new Response("", { status: 404 }), 0],
  ["nothing at all", () => Promise.reject(new TypeError("Failed to fetch")), 0],
  ["the page that stands for every address", async () => new Response("<!doctype html>"), 0],
  ["JSON of something else", async () => Response.json(null), 0],
])("where the server gives %s the zoo has as many encoders as that says", async (_, answer, count) => {
  vi.stubGlobal("fetch", answer);
  expect(await zooOffers()).toHaveLength(count);
});
