/** Where the items of a list are that spans all folders. */
import type { Item } from "../../drive/items.svelte";
import { FILES } from "../../text/files";

/** The folders of a path such as `/Films/2026/a.mp4`, as people read them. */
export function folderOf(path: string): string {
  return [FILES.root, ...path.split("/").slice(1, -1)].join(" › ");
}

export class Places {
  readonly #known = new Map<string, { parentId: string | undefined; place: string }>();

  /** Take over the paths that came with items. */
  put(items: readonly (Item & { path: string })[]): void {
    for (const item of items) this.#known.set(item.id, { parentId: item.parent?.id, place: folderOf(item.path) });
  }

  /** The folders above an item; empty for one that has moved since it was loaded. */
  of(item: Item): string {
    const known = this.#known.get(item.id);
    return known && known.parentId === item.parent?.id ? known.place : "";
  }
}
