import { describe, expect, it } from "vitest";

import { client, counting, isServed, newFile, sha256, sized, stored, withPuts } from "./stand";

const MIB = 1024 * 1024;
/** S3 takes no smaller parts. */
const OPTIONS = { direct: true, chunkSize: 5 * MIB, parallel: 2 };

describe.skipIf(!isServed)("a direct upload", () => {
  it("goes straight to S3", async () => {
    const file = sized(12);
    const hosts = new Set<string>();
    const fetch = withPuts((request, send) => {
      hosts.add(new URL(request.url).origin);
      return send();
    });
    const { fileId } = await client({ fetch }).upload(file, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect([...hosts]).not.toContain(process.env["CLOUDKEEP_URL"]);
  });

  it("sends a chunk again that was damaged on its way", async () => {
    const file = sized(12);
    const fetch = withPuts((request, send) => {
      if (request.count === 0) request.init = { ...request.init, body: newFile(5 * MIB) };
      return send();
    });
    const { fileId } = await client({ fetch }).upload(file, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(file));
  });

  it("goes on with what is missing", async () => {
    const file = sized(12);
    const page = new AbortController();
    const fetch = withPuts((request, send) => {
      if (request.count === 2) page.abort();
      return send();
    });
    const first = client({ fetch }).upload(file, { ...OPTIONS, parallel: 1, signal: page.signal });
    await expect(first.done).rejects.toThrow();
    const rest = counting();
    const { fileId } = await client({ fetch: rest.fetch }).upload(file, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(rest.count()).toBe(1);
  });

  it("goes through the server if S3 is not wanted", async () => {
    const file = sized(6);
    const { fileId } = await client().upload(file, { ...OPTIONS, direct: false }).done;
    expect(await stored(fileId)).toBe(await sha256(file));
  });
});
