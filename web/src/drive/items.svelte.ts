/** The folders and files that the page knows, each once, whichever lists show it. */
import { SvelteMap } from "svelte/reactivity";

import type { ItemFragment } from "../api/generated/graphql";

export type Item = ItemFragment;
export type File = Extract<Item, { __typename: "File" }>;
export type Folder = Extract<Item, { __typename: "Folder" }>;
/** A folder by its name, as paths and choices of folders have it. */
export type Place = Pick<Folder, "id" | "name">;

export class Items {
  readonly #known = new SvelteMap<string, Item>();

  get(id: string): Item | undefined {
    return this.#known.get(id);
  }

  get all(): Item[] {
    return [...this.#known.values()];
  }

  /** Take over what the server says of an item. */
  put(...items: Item[]): void {
    for (const item of items) this.#known.set(item.id, item);
  }

  /** Show a change before the server has confirmed it. Returns a function that undoes it. */
  change(id: string, changes: Partial<Pick<Item, "name" | "starred" | "trashedAt" | "parent">>): () => void {
    const before = this.#known.get(id);
    if (!before) return () => {};
    const changed = { ...before, ...changes };
    this.#known.set(id, changed);
    return () => {
      // What has come from the server since then is right.
      if (this.#known.get(id) === changed) this.#known.set(id, before);
    };
  }

  remove(id: string): void {
    this.#known.delete(id);
  }

  clear(): void {
    this.#known.clear();
  }
}
