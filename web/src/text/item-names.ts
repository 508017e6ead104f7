/** How many of what. */
import type { Item } from "../drive/items.svelte";

/** The name of one item, or the number of several: “a.mp4”, 3 files, 2 folders, 5 items. */
export function describeItems(items: readonly Pick<Item, "name" | "__typename">[]): string {
  const [first] = items;
  if (items.length === 1 && first) return `“${first.name}”`;
  const isOneType = items.every((item) => item.__typename === first?.__typename);
  const type = first?.__typename === "Folder" ? "folders" : "files";
  return `${items.length.toLocaleString()} ${isOneType ? type : "items"}`;
}
