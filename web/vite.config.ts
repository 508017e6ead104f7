/** The build of the page, and its server for developers. */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

/** The API that `npm run dev` passes requests to. */
const api = process.env["CLOUDKEEP_URL"] ?? "http://localhost:8000";

export default defineConfig({
  plugins: [svelte()],
  build: {
    outDir: "dist/page",
    target: "baseline-widely-available",
    // Scripts and fonts inside of other files would need `data:` in the Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: {
    proxy: {
      "/graphql": { target: api, ws: true },
      "/uploads": api,
      "/versions": api,
      "/renditions": api,
      "/zips": api,
    },
  },
});
