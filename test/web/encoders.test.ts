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

test("encoders that one method learned from one set are told by model and seed, and each has a key of its own", async () => {
  const [one] = zoo.encoders;
  const encoders = [
    { ...one, file: "a", model: "vit_micro_patch8_64", seed: 0 },
    { ...one, file: "b", model: "vit_micro_patch8_64", seed: 1 },
    { ...one, file: "c", model: "vit_mini_patch4_32", seed: 0 },
    { ...one, file: "d", method: "dino", model: "vit_micro_patch8_64", seed: 0 },
    { ...one, file: "e", method: "cae", model: "vit_micro_patch8_64", seed: 0 },
    { ...one, file: "f", method: "cae", model: "vit_micro_patch8_64", seed: 4 },
  ];
  vi.stubGlobal("fetch", async () => Response.json({ encoders }));
  const offers = await zooOffers();
  expect(offers.map(({ name }) => name)).toEqual([
    "mae, coat, vit_micro_patch8_64, seed 0",
    "mae, coat, vit_micro_patch8_64, seed 1",
    "mae, coat, vit_mini_patch4_32, seed 0",
    "dino, coat",
    "cae, coat, seed 0",
    "cae, coat, seed 4",
  ]);
  expect(new Set(offers.map(({ key }) => key)).size).toBe(6);
});
