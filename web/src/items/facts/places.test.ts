import { expect, test } from "vitest";

import type { Item } from "../../drive/items.svelte";
import { folderOf, Places } from "./places";

test.each([
  ["/a.mp4", "Files"],
  ["/Films/a.mp4", "Files › Films"],
  ["/Films/2026/a.mp4", "Files › Films › 2026"],
])("the folders of %s are %s", (path, folders) => {
  expect(folderOf(path)).toBe(folders);
});

test("the place of an item that has moved is not known", () => {
  const item = { id: "file_1", path: "/Films/a.mp4", parent: { id: "folder_1" } } as Item & { path: string };
  const places = new Places();
  places.put([item]);
  expect(places.of(item)).toBe("Files › Films");
  expect(places.of({ ...item, parent: { id: "folder_2" } })).toBe("");
});
