/** The folder that the page shows: its path, and the list of its items. */
import { client } from "../api/client";
import {
  FolderWithPathDocument,
  RootDocument,
  type FileKind,
  type FolderWithPathQuery,
  type ItemOrder,
} from "../api/generated/graphql";
import { drive } from "../drive/drive.svelte";
import type { Folder, Place } from "../drive/items.svelte";
import type { ItemList } from "../drive/list.svelte";
import { FILES } from "../text/files";
import { folderItems } from "../items/sources";

/** A folder above, of which the query has no more than the ID if it has reached its end. */
interface Above {
  id: string;
  name?: string;
  parent?: Above | null;
}

export class OpenFolder {
  /** The folders above, from the root or the first one that is known. */
  path = $state.raw<readonly Place[]>([]);
  /** The folder above these, if there are more. */
  cut = $state.raw<string | null>(null);
  list = $state.raw<ItemList | null>(null);
  error = $state.raw<unknown>(null);
  isMissing = $state(false);
  /** Grows each time a folder is opened, also if it is the same one. */
  openings = $state(0);
  #id = $state.raw<string | null>(null);
  #opening: AbortController | null = null;

  get folder(): Folder | null {
    const item = this.#id ? drive.items.get(this.#id) : null;
    return item?.__typename === "Folder" ? item : null;
  }

  /** The folder by the name that the page gives it: the root is called as the page. */
  get place(): Place | null {
    const { folder } = this;
    return folder && { id: folder.id, name: folder.parent ? folder.name : FILES.root };
  }

  /** Show a folder; null is the root. */
  async open(id: string | null): Promise<void> {
    this.close();
    const { signal } = (this.#opening = new AbortController());
    // What is known of it is shown at once.
    this.#id = id;
    this.openings++;
    try {
      const folder = await this.#load(id, signal);
      if (signal.aborted) return;
      this.isMissing = folder === null;
      this.#id = folder?.id ?? null;
    } catch (error) {
      if (!signal.aborted) this.error = error;
    }
  }

  /** List the items of the folder in an order. */
  show(orderBy: ItemOrder, kind: FileKind | null): void {
    if (!this.#id) return;
    if (this.list) drive.close(this.list);
    this.list = drive.open(folderItems(this.#id, orderBy, kind ? { kinds: [kind] } : null));
    void this.list.reload();
  }

  close(): void {
    this.#opening?.abort();
    if (this.list) drive.close(this.list);
    this.list = null;
    this.path = [];
    this.cut = null;
    this.error = null;
    this.isMissing = false;
  }

  async #load(id: string | null, signal: AbortSignal): Promise<Folder | null> {
    const item = id
      ? (await client.request(FolderWithPathDocument, { id }, { signal })).item
      : (await client.request(RootDocument, {}, { signal })).root;
    if (item?.__typename !== "Folder") return null;
    drive.items.put(item);
    this.#setPath(item);
    return item;
  }

  #setPath(folder: Folder | NonNullable<FolderWithPathQuery["item"]>): void {
    const path: Place[] = [];
    let above: Above | null | undefined = folder.parent;
    for (; above?.name !== undefined; above = above.parent) {
      path.unshift({ id: above.id, name: above.parent ? above.name : FILES.root });
    }
    this.path = path;
    this.cut = above?.id ?? null;
  }
}
