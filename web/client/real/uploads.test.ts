import { describe, expect, it } from "vitest";

import type { Progress } from "../src";
import { CHUNK, client, control, counting, holdSlot, isServed, newFile, sha256, stored, withPuts } from "./stand";

const OPTIONS = { chunkSize: CHUNK, parallel: 2 };

describe.skipIf(!isServed)("an upload", () => {
  it("stores the bytes of the file", async () => {
    const file = newFile();
    const stages: Progress[] = [];
    const upload = client().upload(file, { ...OPTIONS, onProgress: (progress) => stages.push(progress) });
    const { fileId, known } = await upload.done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(known).toBe(false);
    expect(stages.at(-1)).toMatchObject({ stage: "READY", percent: 100, sent: file.size, size: file.size });
  });

  it("stores an empty file without a chunk", async () => {
    const file = newFile(0, "nothing.txt");
    const { fileId } = await client().upload(file).done;
    expect(await stored(fileId)).toBe(await sha256(file));
  });

  it("is not sent again when it is READY", async () => {
    const file = newFile();
    const first = await client().upload(file, OPTIONS).done;
    const { fetch, count } = counting();
    const second = await client({ fetch }).upload(file, OPTIONS).done;
    expect(second).toMatchObject({ fileId: first.fileId, known: true });
    expect(count()).toBe(0);
    const third = await client({ fetch }).upload(file, { ...OPTIONS, repeat: true }).done;
    expect(third.fileId).not.toBe(first.fileId);
  });

  it("goes on with what is missing, after it has proven to be of the same file", async () => {
    const file = newFile();
    await interrupted(file, 4);
    const { fetch, count } = counting();
    const { fileId } = await client({ fetch }).upload(file, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(count()).toBe(4 + 1);
  });

  it("starts over if the file has changed without a trace", async () => {
    const before = newFile();
    await interrupted(before, 4);
    const after = new File([newFile()], before.name, { lastModified: before.lastModified });
    const { fileId } = await client().upload(after, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(after));
  });

  it("gets new URLs when those that it has expired", async () => {
    const file = newFile();
    const refusals: unknown[] = [];
    const fetch = withPuts(async (request, send) => {
      if (request.count < 2) request.url = await control("expire", request.url);
      const response = await send();
      if (!response.ok) refusals.push(await response.clone().json());
      return response;
    });
    const { fileId } = await client({ fetch }).upload(file, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(refusals).toMatchObject([{ code: "URL_EXPIRED" }, { code: "URL_EXPIRED" }]);
  });

  it("waits for a slot that another sender holds, and sends the others meanwhile", async () => {
    const file = newFile();
    const answers: number[] = [];
    let held: Awaited<ReturnType<typeof holdSlot>> | undefined;
    const fetch = withPuts(async (request, send) => {
      if (request.count === 0) held = await holdSlot(request.url);
      const response = await send();
      answers.push(response.status);
      if (answers.length === 8) held?.destroy();
      return response;
    });
    const { fileId } = await client({ fetch }).upload(file, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(answers.filter((status) => status === 409).length).toBeGreaterThan(0);
  });

  it("sends a chunk again that was damaged on its way", async () => {
    const file = newFile();
    const answers: number[] = [];
    const fetch = withPuts(async (request, send) => {
      if (request.count === 1) request.init = { ...request.init, body: newFile(CHUNK) };
      const response = await send();
      answers.push(response.status);
      return response;
    });
    const { fileId } = await client({ fetch }).upload(file, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(answers.filter((status) => status === 422)).toHaveLength(1);
  });

  it("goes on after lost connections and lost answers", async () => {
    const file = newFile();
    const waits = new Set<string | null>();
    const fetch = withPuts(async (request, send) => {
      if (request.count === 1) throw new TypeError("the connection was lost");
      const response = await send();
      if (request.count === 2) throw new TypeError("the answer was lost");
      return response;
    });
    const onProgress = ({ waitsFor }: Progress) => waits.add(waitsFor);
    const { fileId } = await client({ fetch }).upload(file, { ...OPTIONS, onProgress }).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(waits).toContain("NETWORK");
  });

  it("sends nothing while it is paused", async () => {
    const file = newFile();
    const { fetch, count } = counting();
    const paused = deferred();
    const upload = client({ fetch }).upload(file, {
      ...OPTIONS,
      onStarted: () => upload.pause(),
      onProgress: ({ waitsFor }) => waitsFor === "PAUSED" && paused.resolve(),
    });
    await paused.promise;
    expect(count()).toBe(0);
    upload.resume();
    const { fileId } = await upload.done;
    expect(await stored(fileId)).toBe(await sha256(file));
  });

  it("can be paused between chunks", async () => {
    const file = newFile();
    const fetch = withPuts((request, send) => {
      if (request.count === 3) upload.pause();
      if (request.count === 3) setTimeout(() => upload.resume(), 50);
      return send();
    });
    const upload = client({ fetch }).upload(file, OPTIONS);
    const { fileId } = await upload.done;
    expect(await stored(fileId)).toBe(await sha256(file));
  });

  it("ends when it is aborted, and frees its storage", async () => {
    const file = newFile();
    const fetch = withPuts(async (request, send) => {
      if (request.count === 3) await upload.abort();
      return send();
    });
    const stages: string[] = [];
    const upload = client({ fetch }).upload(file, { ...OPTIONS, onProgress: ({ stage }) => stages.push(stage) });
    const error: unknown = await upload.done.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ABORTED" });
    expect(stages.at(-1)).toBe("ABORTED");
    expect(await status(upload.id)).toBe("ABORTED");
    const { fileId } = await client().upload(file, OPTIONS).done;
    expect(await stored(fileId)).toBe(await sha256(file));
  });

  it("cannot be aborted once all chunks have arrived", async () => {
    const upload = client().upload(newFile(), OPTIONS);
    await upload.done;
    await expect(upload.abort()).rejects.toMatchObject({ code: "UPLOAD_CLOSED" });
  });

  it("fails with the codes of the server", async () => {
    const upload = client().upload(newFile(), { ...OPTIONS, parentId: "folder_01m8nvxf7yev4bc0s0zhnktevx" });
    await expect(upload.done).rejects.toMatchObject({ code: "NOT_FOUND", field: ["input", "parentId"] });
  });

  it("declares the digest of the whole file, and does not send what the account has", async () => {
    const file = newFile();
    await client().upload(file, OPTIONS).done;
    const hasher = async (source: Blob) => ({ sha256: await sha256(source) });
    const { fetch, count } = counting();
    const copy = new File([file], "copy.bin");
    const { fileId } = await client({ fetch }).upload(copy, { ...OPTIONS, hash: "file", hasher }).done;
    expect(await stored(fileId)).toBe(await sha256(file));
    expect(count()).toBe(0);
  });
});

/** Send this many chunks of a file, and then leave. */
async function interrupted(file: File, chunks: number): Promise<void> {
  const page = new AbortController();
  const fetch = withPuts(async (request, send) => {
    if (request.count < chunks) return send();
    page.abort();
    throw page.signal.reason;
  });
  const upload = client({ fetch }).upload(file, { ...OPTIONS, parallel: 1, signal: page.signal });
  await expect(upload.done).rejects.toThrow();
  expect(await status(upload.id)).toBe("RECEIVING");
}

async function status(id: string | null): Promise<string | undefined> {
  const { upload } = await client().request<{ upload: { status: string } | null }, { id: string | null }>(
    "query ($id: ID!) { upload(id: $id) { status } }",
    { id },
  );
  return upload?.status;
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
