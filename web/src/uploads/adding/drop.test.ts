import { expect, test } from "vitest";

import { chosen, walk } from "./drop";

type Tree = { [name: string]: Tree | string | Error };

/** What browsers give for a dropped item. Readers return two entries at a time. */
function entryOf(name: string, content: Tree | string | Error): FileSystemEntry {
  if (typeof content === "string" || content instanceof Error) return fileEntry(name, content);
  const children = Object.entries(content).map(([child, its]) => entryOf(child, its));
  const reader = () => {
    const left = [...children];
    return { readEntries: (done: (entries: FileSystemEntry[]) => void) => done(left.splice(0, 2)) };
  };
  return { name, isFile: false, isDirectory: true, createReader: reader } as unknown as FileSystemEntry;
}

function fileEntry(name: string, content: string | Error): FileSystemEntry {
  const file = (done: (file: File) => void, fail: (error: Error) => void) =>
    content instanceof Error ? fail(content) : done(new File([content], name));
  return { name, isFile: true, isDirectory: false, file } as unknown as FileSystemEntry;
}

const roots = (tree: Tree) => ({
  entries: Object.entries(tree).map(([name, content]) => entryOf(name, content)),
  files: [],
});

test("a dropped folder brings all its files with their paths, and its empty folders", async () => {
  const dropped = await walk(roots({ trip: { a: "1", b: "2", c: "3", deep: { d: "4" }, none: {} }, e: "5" }));
  expect(dropped.entries.map(({ file, relativePath }) => [relativePath, file.name])).toEqual([
    ["trip", "a"],
    ["trip", "b"],
    ["trip", "c"],
    ["trip/deep", "d"],
    [null, "e"],
  ]);
  expect(dropped.emptyFolders).toEqual(["trip/none"]);
  expect(dropped.isCut).toBe(false);
});

test("a drop of too much is cut, and says so", async () => {
  const dropped = await walk(roots({ many: { a: "1", b: "2", c: "3" } }), 2);
  expect(dropped.entries).toHaveLength(2);
  expect(dropped.isCut).toBe(true);
});

test("what cannot be read does not keep the rest from being taken", async () => {
  const dropped = await walk(roots({ a: new Error("gone"), b: "2" }));
  expect(dropped.entries.map(({ file }) => file.name)).toEqual(["b"]);
  expect(dropped.hasFailed).toBe(true);
});

test("files that were chosen have the path of the chosen folder, or none", () => {
  const inFolder = Object.assign(new File([], "a"), { webkitRelativePath: "trip/deep/a" });
  const alone = Object.assign(new File([], "b"), { webkitRelativePath: "" });
  expect(chosen([inFolder, alone]).map((entry) => entry.relativePath)).toEqual(["trip/deep", null]);
});

test("files without entries, such as pictures of other pages, are taken as they are", async () => {
  const picture = Object.assign(new File([], "picture.png"), { webkitRelativePath: "" });
  const dropped = await walk({ entries: [], files: [picture] });
  expect(dropped.entries.map(({ file, relativePath }) => [relativePath, file.name])).toEqual([[null, "picture.png"]]);
});
