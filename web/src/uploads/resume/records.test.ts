import { IDBFactory, IDBKeyRange } from "fake-indexeddb";
import { beforeEach, expect, test, vi } from "vitest";

import { entry } from "../queue/queue.fixture";
import { planOf } from "../queue/plan";
import { QueuedUpload } from "../queue/queued-upload.svelte";
import { recordsIn, type Records } from "./records";

vi.stubGlobal("IDBKeyRange", IDBKeyRange);

let factory: IDBFactory;
let alive: Set<string> | null;
beforeEach(() => {
  factory = new IDBFactory();
  alive = new Set();
});

const recordOf = (name: string) => new QueuedUpload(planOf(entry(name), null, null)).record;
const recordsOf = (accountId: string, tab: string) => recordsIn(factory, accountId, tab, () => Promise.resolve(alive));

async function claimed(records: Records): Promise<string[]> {
  return (await records.claim()).map(({ plan }) => plan.name).sort();
}

test("a tab finds its own records again, and only those of its account", async () => {
  await recordsOf("mine", "tab").put([recordOf("a"), recordOf("b")]);
  await recordsOf("another", "tab").put([recordOf("c")]);
  expect(await claimed(recordsOf("mine", "tab"))).toEqual(["a", "b"]);
});

test("a record that was removed does not come back", async () => {
  const records = recordsOf("mine", "tab");
  const [one, other] = [recordOf("a"), recordOf("b")];
  await records.put([one, other]);
  await records.remove([one.key]);
  expect(await claimed(records)).toEqual(["b"]);
});

test("the records of a tab that is gone go to the first one that asks", async () => {
  await recordsOf("mine", "gone").put([recordOf("a")]);
  expect(await claimed(recordsOf("mine", "one"))).toEqual(["a"]);
  alive?.add("one");
  expect(await claimed(recordsOf("mine", "other"))).toEqual([]);
});

test("where nobody knows which tabs are open, each has its own records", async () => {
  await recordsOf("mine", "one").put([recordOf("a")]);
  alive = null;
  expect(await claimed(recordsOf("mine", "other"))).toEqual([]);
});

test("a tab forgets its records, and not those of others", async () => {
  await recordsOf("mine", "one").put([recordOf("a")]);
  await recordsOf("mine", "other").put([recordOf("b")]);
  await recordsOf("mine", "one").forget();
  expect(await claimed(recordsOf("mine", "third"))).toEqual(["b"]);
});

test("a browser that stores nothing does not stop uploads", async () => {
  const warn = vi.spyOn(console, "warn").mockReturnValue(undefined);
  const broken = {
    open: () => {
      throw new DOMException("no", "SecurityError");
    },
  } as unknown as IDBFactory;
  const records = recordsIn(broken, "mine", "tab", () => Promise.resolve(null));
  await records.put([recordOf("a")]);
  expect(await records.claim()).toEqual([]);
  expect(warn).toHaveBeenCalled();
});
