// A web server for one folder, for this machine alone.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".json": "application/json",
};

/**
 * Serves the files of a folder at http://127.0.0.1:port/, which browsers treat as secure, as WebGPU needs. Port 0 takes
 * any free one.
 * @param {string} folder
 * @param {number} port
 * @returns {Promise<{ url: string, close(): void }>}
 */
export function serve(folder, port) {
  const server = createServer(async ({ url = "/" }, response) => {
    try {
      const path = normalize(decodeURIComponent(new URL(url, "http://localhost").pathname));
      const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
      const body = await readFile(file);
      const type = TYPES[extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" }).end(body);
    } catch {
      response.writeHead(404, { "Content-Type": "text/plain" }).end(`There is no ${url} here.`);
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      const taken = typeof address === "object" && address ? address.port : port;
      resolve({ url: `http://127.0.0.1:${taken}/`, close: () => server.close() });
    });
  });
}
