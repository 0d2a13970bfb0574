// Asks Dawn for an adapter and a device, in a process of its own because a broken driver may crash it.
// Prints one JSON line {"adapter", "features"}; exits 3 if there is no adapter.
import { create } from "webgpu";

const adapter = await create([]).requestAdapter();
if (!adapter) process.exit(3);
const device = await adapter.requestDevice();
const { vendor, architecture, description, device: name } = adapter.info;
console.log(
  JSON.stringify({
    adapter: description || name || `${vendor} ${architecture}`,
    features: [...adapter.features].filter((f) => ["subgroups", "shader-f16", "timestamp-query"].includes(f)),
  }),
);
device.destroy();
process.exit(0);
