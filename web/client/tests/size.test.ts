import { gzipSync } from "node:zlib";

import { build, type Rollup } from "vite";
import { expect, it } from "vitest";

const KB = 1000;

/** The sizes of the built files, compressed: what a page loads at first, and what it loads with its first upload. */
async function sizes(): Promise<{ first: number; uploads: number }> {
  const entry = new URL("../src/index.ts", import.meta.url).pathname;
  const built = await build({
    configFile: false,
    logLevel: "silent",
    build: {
      write: false,
      lib: { entry, formats: ["es"] },
      rolldownOptions: { external: ["graphql-ws"], output: { minify: true } },
    },
  });
  const [{ output }] = built as Rollup.RollupOutput[] as [Rollup.RollupOutput];
  const sizeOf = (wanted: boolean) =>
    output.reduce((sum, file) => {
      const isUploads = file.type === "chunk" && file.name === "run";
      return isUploads === wanted && file.type === "chunk" ? sum + gzipSync(file.code, { level: 9 }).length : sum;
    }, 0);
  return { first: sizeOf(false), uploads: sizeOf(true) };
}

it("is small: what a page loads at first, and the code of uploads", async () => {
  const { first, uploads } = await sizes();
  expect(first).toBeLessThan(3.5 * KB);
  expect(uploads).toBeLessThan(6 * KB);
  expect(uploads).toBeGreaterThan(KB);
});
