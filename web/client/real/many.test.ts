import { describe, expect, it } from "vitest";

import type { FileToUpload, UploadResult } from "../src";
import { CHUNK, client, counting, isServed, newFile, sha256, stored } from "./stand";

/** Send files, and return the result or the error of each. */
async function outcomes(files: FileToUpload[], cloudkeep = client()): Promise<Map<FileToUpload, unknown>> {
  const settled = new Map<FileToUpload, unknown>();
  await cloudkeep.uploadAll(files, {
    onSettled: (file, outcome) => settled.set(file, "result" in outcome ? outcome.result : outcome.error),
  });
  return settled;
}

const small = (count: number): FileToUpload[] =>
  Array.from({ length: count }, (_, index) => ({ source: newFile(100 + index, `${index}.bin`) }));

describe.skipIf(!isServed)("many files", () => {
  it("are all stored, the small ones in groups", async () => {
    const large = { source: newFile(3 * CHUNK, "large.bin"), options: { chunkSize: CHUNK } };
    const files = [...small(150), large, ...small(5).map((each) => ({ ...each, options: { relativePath: "more" } }))];
    const { fetch, count } = counting();
    const settled = await outcomes(files, client({ fetch }));
    expect(settled.size).toBe(files.length);
    expect(count()).toBe(3);
    for (const file of [files[0], files[149], large, files[155]]) {
      const { fileId } = settled.get(file as FileToUpload) as UploadResult;
      expect(await stored(fileId)).toBe(await sha256((file as FileToUpload).source));
    }
  });

  it("are not sent twice, and a refused one keeps no other", async () => {
    const files = [{ source: newFile(0, "empty.txt") }, ...small(3)];
    const before = await outcomes(files);
    const refused = { source: newFile(10, "a/b") };
    const again = await outcomes([...files, refused]);
    expect(again.get(refused)).toMatchObject({ code: "INVALID_INPUT" });
    for (const file of files) {
      const { fileId } = before.get(file) as UploadResult;
      expect(again.get(file)).toMatchObject({ fileId, known: true });
    }
  });

  it("stop when their signal aborts", async () => {
    const page = new AbortController();
    const sending = client().uploadAll(small(300), {
      signal: page.signal,
      parallel: 1,
      onSettled: () => page.abort(new Error("The page has gone.")),
    });
    await expect(sending).rejects.toThrow("The page has gone.");
  });
});
