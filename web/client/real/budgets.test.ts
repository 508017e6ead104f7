import { describe, expect, it } from "vitest";

import type { Progress, Wait } from "../src";
import { CHUNK, client, isServed, newFile, sha256, stored } from "./stand";

/** It costs 200 points, whatever it finds: twenty cost more than the budget gets back while they are sent. */
const SEARCH = '{ search(query: "nothing", first: 1) { nodes { id } } }';

describe.skipIf(!isServed)("a client with small budgets", () => {
  it("sends its chunks as the budget allows", async () => {
    const file = newFile(16 * CHUNK);
    const waits = new Set<string | null>();
    const onProgress = ({ waitsFor }: Progress) => waits.add(waitsFor);
    const { fileId } = await client().upload(file, { chunkSize: CHUNK, onProgress }).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(waits).toContain("RATE_LIMITED");
  });

  it("waits with its requests until the points have come back", async () => {
    const waits: Wait[] = [];
    const patient = client({ onWait: (wait) => waits.push(wait) });
    const asking = Array.from({ length: 20 }, () => patient.request(SEARCH, {}));
    await Promise.all(asking);
    expect(waits[0]).toMatchObject({ code: "RATE_LIMITED" });
    expect(waits[0]?.retryAfter).toBeGreaterThan(0);
  });

  it("stops to wait when it is cancelled", async () => {
    const page = new AbortController();
    const impatient = client({ onWait: () => page.abort(new Error("The page has gone.")) });
    const asking = Array.from({ length: 20 }, () => impatient.request(SEARCH, {}, { signal: page.signal }));
    await expect(Promise.all(asking)).rejects.toThrow("The page has gone.");
  });
});
