import { CloudKeepError } from "@cloudkeep/client";
import { describe, expect, test, vi } from "vitest";

import { MAX_ROWS } from "./lists.svelte";
import { keyOf, planOf } from "./plan";
import { entry, settled, Stand } from "./queue.fixture";

function standWith(...names: string[]): Stand {
  const stand = new Stand();
  stand.queue.add(
    names.map((name) => entry(name)),
    null,
  );
  return stand;
}

describe("turns", () => {
  test("three files are sent at the same time, and the others follow", async () => {
    const stand = standWith("a", "b", "c", "d", "e");
    await settled();
    expect(stand.sent.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    await stand.sending("b").finish();
    expect(stand.states()).toEqual({ a: "running", c: "running", d: "running", e: "waiting", b: "done" });
  });

  test("a file that is only checked makes room for the next one", async () => {
    const stand = standWith("a", "b", "c", "d");
    await settled();
    stand.sending("a").tell({ stage: "REASSEMBLING" });
    await settled();
    expect(stand.states()).toMatchObject({ a: "running", d: "running" });
  });

  test("the same file once more is not sent twice", async () => {
    const stand = standWith("a");
    stand.queue.add([entry("a")], null);
    stand.queue.add([entry("a")], "another-folder");
    await settled();
    expect(stand.sent).toHaveLength(2);
  });

  test("a file that another tab sends waits for it, and keeps nobody waiting", async () => {
    const stand = new Stand();
    const turn = Promise.withResolvers<void>();
    stand.elsewhere.set(keyOf(planOf(entry("a"), null, null)), turn.promise);
    stand.queue.add(
      ["a", "b", "c", "d"].map((name) => entry(name)),
      null,
    );
    await settled();
    expect(stand.states()).toEqual({ a: "elsewhere", b: "running", c: "running", d: "running" });
    turn.resolve();
    await settled();
    expect(stand.sending("a").name).toBe("a");
  });
});

describe("pauses", () => {
  test("a paused file gives its turn away, and gets it back at once", async () => {
    const stand = standWith("a", "b", "c", "d");
    await settled();
    stand.queue.pause(stand.listed("a"));
    await settled();
    expect(stand.sending("a").isPaused).toBe(true);
    expect(stand.states()).toMatchObject({ a: "paused", d: "running" });
    stand.queue.resume(stand.listed("a"));
    expect(stand.sending("a").isPaused).toBe(false);
    expect(stand.states()).toMatchObject({ a: "running" });
  });

  test("a waiting file that is paused is not begun", async () => {
    const stand = standWith("a", "b", "c", "d");
    stand.queue.pause(stand.listed("d"));
    await settled();
    await stand.sending("a").finish();
    expect(stand.states()).toMatchObject({ d: "paused" });
    stand.queue.resume(stand.listed("d"));
    await settled();
    expect(stand.states()).toMatchObject({ d: "running" });
  });

  test("all pause, and all go on", async () => {
    const stand = standWith("a", "b", "c", "d");
    await settled();
    stand.queue.pauseAll();
    expect(stand.states()).toEqual({ a: "paused", b: "paused", c: "paused", d: "waiting" });
    stand.queue.resumeAll();
    await stand.sending("a").finish();
    expect(stand.states()).toEqual({ b: "running", c: "running", d: "running", a: "done" });
  });
});

describe("ends", () => {
  test("a cancelled file ends, on the server too", async () => {
    const stand = standWith("a", "b", "c", "d");
    await settled();
    await stand.queue.cancel(stand.listed("a"));
    await stand.queue.cancel(stand.listed("d"));
    await settled();
    expect(stand.states()).toEqual({ b: "running", c: "running", a: "cancelled", d: "cancelled" });
    await expect(stand.sending("a").done).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("a file that has arrived goes on, and says that it is too late to cancel it", async () => {
    const stand = standWith("a");
    await settled();
    stand.sending("a").refusal = new CloudKeepError("UPLOAD_CLOSED", "Too late.");
    const upload = stand.listed("a");
    await stand.queue.cancel(upload);
    expect(upload.refusal).toMatchObject({ code: "UPLOAD_CLOSED" });
    expect(upload.state).toBe("running");
    await stand.sending("a").finish();
    expect(upload.state).toBe("done");
    expect(upload.outcome?.fileId).toBe("file-a");
  });

  test("what has failed is sent again", async () => {
    const stand = standWith("a", "b");
    await settled();
    await stand.sending("a").fail("FILE_CHANGED");
    await stand.sending("b").fail("QUOTA_EXCEEDED");
    expect(stand.states()).toEqual({ a: "failed", b: "failed" });
    expect(stand.listed("b").error).toMatchObject({ code: "QUOTA_EXCEEDED" });
    stand.queue.retryAll();
    await settled();
    expect(stand.sent).toHaveLength(4);
  });

  test("what is over can be taken from the list", async () => {
    const stand = standWith("a", "b");
    await settled();
    await stand.sending("a").finish();
    stand.queue.clear();
    expect(stand.states()).toEqual({ b: "running" });
  });
});

describe("the next page", () => {
  test("open uploads are remembered until they end", async () => {
    const stand = new Stand();
    await stand.queue.start("account");
    stand.queue.add([entry("a"), entry("b")], "folder");
    await settled();
    stand.sending("a").start("up_1");
    expect([...stand.records.values()].map(({ plan, uploadId }) => [plan.name, uploadId])).toEqual([
      ["a", "up_1"],
      ["b", null],
    ]);
    await stand.sending("a").finish();
    await stand.sending("b").fail("TOO_LARGE");
    expect(stand.records.size).toBe(0);
  });

  /** A stand of the same browser after its page was loaded again. */
  async function reloaded(before: Stand): Promise<Stand> {
    const after = new Stand();
    before.records.forEach((record, key) => after.records.set(key, record));
    before.known.forEach((upload, id) => after.known.set(id, upload));
    await after.queue.start("account");
    await settled();
    return after;
  }

  async function interrupted(): Promise<Stand> {
    const before = new Stand();
    await before.queue.start("account");
    before.queue.add([entry("a"), entry("b")], "folder");
    await settled();
    before.sending("a").start("up_1");
    return before;
  }

  test("an interrupted upload goes on by its file, and by no other one", async () => {
    const after = await reloaded(await interrupted());
    expect(after.states()).toEqual({ a: "interrupted", b: "interrupted" });
    expect(after.queue.choose([entry("a", "content", 2), entry("a", "longer content")])).toBe(2);
    expect(after.queue.choose([entry("a")])).toBe(0);
    await settled();
    expect(after.states()).toEqual({ a: "running", b: "interrupted" });
    expect(after.sending("a").options).toMatchObject({ parentId: "folder" });
  });

  test("an interrupted upload goes on if its file is added again", async () => {
    const after = await reloaded(await interrupted());
    after.queue.add([entry("b")], "folder");
    await settled();
    expect(after.states()).toEqual({ a: "interrupted", b: "running" });
  });

  test("an interrupted upload goes on by itself if its handle leads to the file", async () => {
    const before = await interrupted();
    const after = new Stand({ fileOf: (handle) => handle.getFile() });
    for (const record of before.records.values()) {
      const handle = { getFile: () => Promise.resolve(entry("a").file) } as FileSystemFileHandle;
      after.records.set(record.key, { ...record, handle });
    }
    await after.queue.start("account");
    await settled();
    expect(after.states()).toEqual({ a: "running", b: "interrupted" });
  });

  test("an upload that has all its bytes needs no file", async () => {
    const before = await interrupted();
    before.known.set("up_1", { status: "READY", fileId: "file", error: null });
    const after = await reloaded(before);
    expect(after.states()).toEqual({ a: "done", b: "interrupted" });
    expect(after.records.size).toBe(1);
  });

  test("an interrupted upload that is cancelled ends on the server", async () => {
    const after = await reloaded(await interrupted());
    await after.queue.cancel(after.listed("a"));
    expect(after.aborted).toEqual(["up_1"]);
    expect(after.records.size).toBe(1);
  });

  test("who signs out leaves nothing behind", async () => {
    const stand = await interrupted();
    const { signal } = stand.sending("a").options;
    stand.queue.stop();
    expect(signal?.aborted).toBe(true);
    expect(stand.records.size).toBe(0);
    expect(stand.queue.lists.size).toBe(0);
  });
});

test("ten thousand files are listed by a few rows", async () => {
  const stand = standWith(...Array.from({ length: 10_000 }, (_, index) => `${index}`));
  await settled();
  await vi.waitUntil(() => stand.queue.lists.size === 10_000, { timeout: 20_000, interval: 5 });
  expect(stand.queue.lists.rows).toHaveLength(MAX_ROWS);
  expect(stand.queue.totals.filesLeft).toBe(10_000);
  await stand.sending("0").finish();
  expect(stand.queue.totals.filesLeft).toBe(9_999);
  expect(stand.queue.lists.count("waiting")).toBe(9_996);
});

describe("new versions", () => {
  const version = (name: string) => ({ ...entry(name), replaces: { fileId: "file-film", name: "film.mov" } });

  test("a new version replaces the file by its name, and is found again by its own", async () => {
    const stand = new Stand();
    await stand.queue.start("account");
    stand.queue.add([version("film cut 2.mov"), entry("film cut 2.mov")], "folder");
    await settled();
    const [first, second] = stand.sent;
    expect(first?.options).toMatchObject({ name: "film.mov", conflict: "REPLACE", parentId: "folder" });
    expect(second?.options).not.toHaveProperty("conflict");
    const after = new Stand();
    stand.records.forEach((record, key) => after.records.set(key, record));
    await after.queue.start("account");
    expect(after.queue.choose([entry("film cut 2.mov")])).toBe(0);
    await settled();
    expect(after.sent.map(({ options }) => options.name)).toEqual(["film.mov", undefined]);
  });

  test("a new version that became a file of its own says so", async () => {
    const stand = new Stand();
    stand.queue.add([version("film")], "folder");
    stand.queue.add([version("other")], "folder");
    await settled();
    await stand.sending("film").finish();
    await stand.sending("other").finish();
    expect(stand.queue.lists.rows.map(({ hasMissed }) => hasMissed)).toEqual([true, false]);
  });
});
