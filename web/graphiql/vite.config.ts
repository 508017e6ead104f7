/** The build of GraphiQL, and its server for developers. */
import { defineConfig } from "vite";
import { prices } from "./build/prices.ts";

/** The API that `npm run dev` and `npm run preview` pass requests to. */
const api = process.env["CLOUDKEEP_URL"] ?? "http://localhost:8000";
const proxy = { "/graphql": { target: api, ws: true }, "/uploads": api };

export default defineConfig({
  base: "/graphiql/",
  plugins: [prices(new URL("../../schema/schema.graphql", import.meta.url))],
  build: {
    outDir: "../dist/graphiql",
    emptyOutDir: true,
    target: "baseline-widely-available",
    // Files inside of other files would need `data:` in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // Monaco is one module of 3 MB.
    chunkSizeWarningLimit: 9000,
    modulePreload: { polyfill: false },
    // "use client" means nothing without a server that renders React.
    rolldownOptions: { checks: { moduleLevelDirective: false } },
  },
  worker: { format: "es" },
  // The server for developers bundles packages, but not those that name workers.
  optimizeDeps: {
    exclude: ["graphiql/setup-workers/vite", "@graphiql/react/setup-workers/vite"],
    // The workers use these, which are not modules for browsers.
    include: ["monaco-graphql > picomatch-browser", "graphql-language-service > nullthrows"],
  },
  // The link to the icon leads out of this folder.
  server: { proxy, fs: { allow: [".."] } },
  preview: { proxy },
});
