import { expect, it } from "vitest";

import { keyOf } from "../src/uploads/identity";

const file = (content: string, lastModified: number) => new File([content], "a.txt", { lastModified });
const key = (source: Blob, name: string, options = {}, attempt = 1) => keyOf(source, name, options)(attempt);

it("is the same for the same file and destination, and another one for any other", () => {
  const first = file("one", 1);
  const keys = [
    key(first, "a.txt"),
    key(first, "b.txt"),
    key(first, "a.txt", { parentId: "folder_1" }),
    key(first, "a.txt", { relativePath: "photos" }),
    key(first, "a.txt", { conflict: "FAIL" }),
    key(first, "a.txt", { compress: { preset: "FAST" } }),
    key(first, "a.txt", {}, 2),
    key(file("one", 2), "a.txt"),
    key(file("more", 1), "a.txt"),
  ];
  expect(new Set(keys).size).toBe(keys.length);
  expect(key(file("two", 1), "a.txt")).toBe(keys[0]);
});

it("does not depend on the Unicode form of the name", () => {
  expect(key(file("one", 1), "e\u0301")).toBe(key(file("one", 1), "\u00e9"));
});

it("is random for a blob that is no file", () => {
  const blob = new Blob(["one"]);
  expect(key(blob, "a.txt")).not.toBe(key(blob, "a.txt"));
});

it("is short enough for any name", () => {
  const name = "x".repeat(255);
  expect(key(file("one", Number.MAX_SAFE_INTEGER), name).length).toBeLessThanOrEqual(255);
});

it("is the one that was given", () => {
  expect(key(file("one", 1), "a.txt", { idempotencyKey: "mine" }, 3)).toBe("mine");
});
