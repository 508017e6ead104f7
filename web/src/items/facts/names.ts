/** Names of items. */
import type { Item } from "../../drive/items.svelte";

/** An extension, and what belongs to it, as in `archive.tar.gz`. */
const EXTENSION = /(\.tar)?\.[^.\s]{1,16}$/i;

/** The number of characters of a name before its extension: what somebody who renames it wants to change. */
export function stemLength(item: Pick<Item, "__typename" | "name">): number {
  if (item.__typename === "Folder") return item.name.length;
  // A name such as `.profile` has no extension.
  const match = EXTENSION.exec(item.name.slice(1));
  return match ? match.index + 1 : item.name.length;
}
