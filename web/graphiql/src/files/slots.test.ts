import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { put } from "./put";
import { fillSlots, type Slot } from "./slots";

vi.mock("./put");

const slot = (index: number, received = false): Slot => ({ index, offset: index, size: 1, received, url: `/${index}` });
/** What each further query for missing slots returns. */
let missing: Slot[][];
let progress: number[];

const fill = (slots: Slot[]): Promise<void> =>
  fillSlots({
    uploadId: "upload_1",
    file: new File(["abcdefgh"], "a"),
    slots,
    headers: {},
    onProgress: (bytes) => progress.push(bytes),
    signal: new AbortController().signal,
  });

const sent = (): Promise<string[]> => Promise.all(vi.mocked(put).mock.calls.map(([, bytes]) => bytes.text()));

beforeEach(() => {
  missing = [];
  progress = [];
  vi.mocked(put).mockResolvedValue();
  vi.stubGlobal("fetch", () =>
    Promise.resolve(Response.json({ data: { upload: { slots: { nodes: missing.shift() ?? [] } } } })),
  );
});

afterEach(() => {
  vi.resetAllMocks();
  vi.unstubAllGlobals();
});

test("each slot gets its part of the file", async () => {
  await fill([slot(0), slot(1, true), slot(2)]);
  expect(await sent()).toEqual(["a", "c"]);
  expect(progress).toEqual([1, 2]);
});

test("slots that the answer did not have are asked for", async () => {
  missing = [[slot(4), slot(5)], [slot(6)]];
  await fill([slot(0), slot(1), slot(2), slot(3)]);
  expect(await sent()).toEqual([..."abcdefg"]);
  expect(progress.at(-1)).toBe(7);
});

test("after a failure nothing more is sent", async () => {
  vi.mocked(put).mockRejectedValue(new Error("The disk is full."));
  await expect(fill([0, 1, 2, 3, 4, 5].map((index) => slot(index)))).rejects.toThrow("The disk is full.");
  expect(await sent()).toHaveLength(3);
});

test("a file without bytes to send is done at once", async () => {
  await fill([]);
  expect(put).not.toHaveBeenCalled();
});
