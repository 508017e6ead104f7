import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Counts } from "./counts";
import { file } from "./items.fixture";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function counts(): { counts: Counts; asked: string[] } {
  const asked: string[] = [];
  return { counts: new Counts((id) => Promise.resolve(void asked.push(id))), asked };
}

test("asks for both folders of an item that has moved, once for many changes", async () => {
  const { counts: folders, asked } = counts();
  folders.changed(file("a", { parent: { id: "from" } }), file("a", { parent: { id: "to" } }));
  folders.changed(file("b", { parent: { id: "from" } }), null);
  await vi.runAllTimersAsync();
  expect(asked).toEqual(["from", "to"]);
});

test("asks for the folder of what is trashed", async () => {
  const { counts: folders, asked } = counts();
  folders.changed(file("a"), file("a", { trashedAt: "2026-01-01T00:00:00Z" }));
  await vi.runAllTimersAsync();
  expect(asked).toEqual(["folder"]);
});

test("asks for nothing when an item stays where it is", async () => {
  const { counts: folders, asked } = counts();
  folders.changed(file("a"), file("b"));
  folders.changed(null, null);
  await vi.runAllTimersAsync();
  expect(asked).toEqual([]);
});
