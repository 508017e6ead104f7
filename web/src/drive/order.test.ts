import { expect, test } from "vitest";

import { file, folder } from "./items.fixture";
import { comparison } from "./order";

const names = (items: { name: string }[]) => items.map((item) => item.name);

test("has folders first, in both directions, and numbers by their value", () => {
  const items = [file("a10"), folder("z"), file("B"), file("a9"), folder("y")];
  expect(names(items.toSorted(comparison({ field: "NAME", direction: "ASC" })))).toEqual(["y", "z", "a9", "a10", "B"]);
  expect(names(items.toSorted(comparison({ field: "NAME", direction: "DESC" })))).toEqual(["z", "y", "B", "a10", "a9"]);
});

test("has files by size, and folders by name", () => {
  const items = [file("b", { size: 3 }), folder("x"), file("a", { size: 20 }), folder("w")];
  expect(names(items.toSorted(comparison({ field: "SIZE", direction: "ASC" })))).toEqual(["w", "x", "b", "a"]);
  expect(names(items.toSorted(comparison({ field: "SIZE", direction: "DESC" })))).toEqual(["x", "w", "a", "b"]);
});

test("has equal times by their IDs", () => {
  const items = [file("c"), file("a"), file("b", { updatedAt: "2026-02-01T00:00:00Z" })];
  expect(names(items.toSorted(comparison({ field: "UPDATED_AT", direction: "DESC" })))).toEqual(["b", "c", "a"]);
});
