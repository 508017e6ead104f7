import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build, type Rollup } from "vite";
import { expect, it } from "vitest";

const ENTRY = fileURLToPath(new URL("../src/index.ts", import.meta.url));

async function chunks(): Promise<Rollup.OutputChunk[]> {
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      lib: { entry: ENTRY, formats: ["es"] },
      // Vite leaves the spaces in such a library.
      rolldownOptions: { external: ["graphql-ws"], output: { minify: true } },
    },
  });
  const outputs = (Array.isArray(built) ? built : [built]) as Rollup.RollupOutput[];
  return outputs.flatMap(({ output }) => output.filter((file) => file.type === "chunk"));
}

/** The chunks that are loaded with this one. */
function loadedWith(name: string, all: Rollup.OutputChunk[]): Set<Rollup.OutputChunk> {
  const found = new Set(all.filter((chunk) => chunk.name === name));
  for (const chunk of found)
    all.filter((each) => chunk.imports.includes(each.fileName)).forEach((each) => found.add(each));
  return found;
}

const size = (found: Iterable<Rollup.OutputChunk>) =>
  Array.from(found, ({ code }) => gzipSync(code, { level: 9 }).length).reduce((sum, bytes) => sum + bytes, 0);

it("is small: what a page loads at first, and what it loads with its first upload", async () => {
  const all = await chunks();
  const first = loadedWith("index", all);
  const uploads = [...loadedWith("run", all)].filter((chunk) => !first.has(chunk));
  const sizes = { first: size(first), uploads: size(uploads) };
  expect(sizes.first).toBeGreaterThan(1000);
  expect(sizes.first, JSON.stringify(sizes)).toBeLessThan(3700);
  expect(sizes.uploads).toBeGreaterThan(1000);
  expect(sizes.uploads, JSON.stringify(sizes)).toBeLessThan(6600);
});
