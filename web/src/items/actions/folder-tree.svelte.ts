/** The tree of folders to choose one from. What is in a folder is loaded when it is opened. */
/* eslint-disable svelte/prefer-svelte-reactivity -- the map is replaced as a whole, never changed */
import { drive } from "../../drive/drive.svelte";
import type { Folder, Place } from "../../drive/items.svelte";
import type { ItemList } from "../../drive/list.svelte";
import { BY_NAME } from "../../drive/order";
import { folderItems } from "../sources";

/** A folder of the tree as a line on the screen. */
export interface Line {
  place: Place;
  level: number;
  isOpen: boolean;
  /** The line of the folder that it is in. */
  parent: Line | null;
}

export class FolderTree {
  /** The lists of the folders that are open, by their IDs. */
  #open = $state.raw<ReadonlyMap<string, ItemList>>(new Map());
  readonly lines = $derived.by(() => [...this.#linesOf({ place: this.root, level: 1, isOpen: true, parent: null })]);

  constructor(private readonly root: Place) {
    void this.open(root.id);
  }

  /** Why folders could not be loaded. */
  get error(): unknown {
    return [...this.#open.values()].map((list) => list.error).find(Boolean);
  }

  get isLoading(): boolean {
    return [...this.#open.values()].some((list) => list.isLoading);
  }

  /** Open a folder, and load all folders in it: they come before files. */
  async open(id: string): Promise<void> {
    if (this.#open.has(id)) return;
    const list = drive.open(folderItems(id, BY_NAME));
    this.#open = new Map(this.#open).set(id, list);
    do await list.loadMore();
    while (!list.error && list.hasMore && list.items.at(-1)?.__typename === "Folder" && this.#open.has(id));
  }

  fold(id: string): void {
    const open = new Map(this.#open);
    const list = open.get(id);
    if (!list) return;
    drive.close(list);
    open.delete(id);
    this.#open = open;
  }

  /** Load again what could not be loaded. */
  retry(): void {
    for (const [id, list] of this.#open) {
      if (!list.error) continue;
      this.fold(id);
      void this.open(id);
    }
  }

  close(): void {
    for (const list of this.#open.values()) drive.close(list);
  }

  *#linesOf(line: Line): Generator<Line> {
    const list = this.#open.get(line.place.id);
    const own = { ...line, isOpen: list !== undefined };
    yield own;
    for (const folder of list?.items.filter(isFolder) ?? []) {
      yield* this.#linesOf({ place: folder, level: line.level + 1, isOpen: false, parent: own });
    }
  }
}

function isFolder(item: { __typename: string }): item is Folder {
  return item.__typename === "Folder";
}
