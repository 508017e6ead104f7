import { expect, test } from "vitest";

import { entry, settled, Stand } from "./queue.fixture";

const LARGE = "x".repeat(200);

/** A queue with small files, and a large one by the name of `large`. */
async function standWith(...names: string[]): Promise<Stand> {
  const stand = new Stand({ maxGrouped: 100 });
  await stand.queue.start("account");
  const entries = names.map((name) => entry(name, name === "large" ? LARGE : "content"));
  stand.queue.add(entries, "folder");
  await settled();
  return stand;
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);

test("small files are sent together, a hundred at a time, and large ones beside them", async () => {
  const stand = await standWith(...many(150), "large");
  expect(stand.groups.map(({ files }) => files.length)).toEqual([100, 50]);
  expect(stand.sent.map(({ name }) => name)).toEqual(["large"]);
  expect(stand.groups[0]?.files[0]?.options).toMatchObject({ parentId: "folder" });
  for (const group of stand.groups) await group.finish();
  expect(stand.queue.lists.count("done")).toBe(150);
  expect(stand.records.size).toBe(1);
  expect(stand.queue.totals.filesLeft).toBe(1);
});

test("what a group could not store is sent by itself", async () => {
  const stand = await standWith("a", "b", "c");
  await stand.groups[0]?.finish("b");
  await settled();
  expect(stand.states()).toEqual({ a: "done", b: "running", c: "done" });
  expect(stand.sent.map(({ name }) => name)).toEqual(["b"]);
  await stand.sending("b").fail("QUOTA_EXCEEDED");
  expect(stand.states()).toEqual({ a: "done", b: "failed", c: "done" });
});

test("a group that waits says why, and its uploads are remembered", async () => {
  const stand = await standWith("a", "b");
  stand.groups[0]?.options.onStarted?.(["up_1", null]);
  stand.groups[0]?.options.onWait?.({ code: "RATE_LIMITED", retryAfter: 3 });
  expect([...stand.records.values()].map(({ uploadId }) => uploadId)).toEqual(["up_1", null]);
  expect(stand.listed("b").progress).toMatchObject({ waitsFor: "RATE_LIMITED", retryAfter: 3 });
});

test("a group that is paused stops, and goes on as a group", async () => {
  const stand = await standWith("a", "b");
  stand.queue.pauseAll();
  await settled();
  expect(stand.groups[0]?.options.signal?.aborted).toBe(true);
  expect(stand.states()).toEqual({ a: "paused", b: "paused" });
  await stand.groups[0]?.finish();
  expect(stand.states()).toEqual({ a: "paused", b: "paused" });
  stand.queue.resumeAll();
  await settled();
  expect(stand.groups[1]?.names).toEqual(["a", "b"]);
  await stand.groups[1]?.finish();
  expect(stand.states()).toEqual({ a: "done", b: "done" });
});

test("one of a group is cancelled once it can be told from the others", async () => {
  const stand = await standWith("a", "b", "c");
  stand.groups[0]?.options.onStarted?.(["up_1", "up_2", "up_3"]);
  const [stored, refused] = [stand.listed("a"), stand.listed("b")];
  const both = Promise.all([stand.queue.cancel(stored), stand.queue.cancel(refused)]);
  await stand.groups[0]?.finish("b");
  await both;
  expect(stand.states()).toEqual({ a: "done", b: "cancelled", c: "done" });
  expect(stored.refusal).toMatchObject({ code: "UPLOAD_CLOSED" });
});
