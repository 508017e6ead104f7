/** The files before and after a file in its folder, in the order that the folder is shown in. */
import type { ItemOrder } from "../api/generated/graphql";
import { drive } from "../drive/drive.svelte";
import type { ItemList } from "../drive/list.svelte";
import { folderItems } from "../items/sources";

/** Pages of the folder that are read to find the file: each costs hundreds of points. */
const MAX_PAGES = 2;

export class Neighbours {
  #list = $state.raw<ItemList | null>(null);
  #id = $state.raw("");
  #folder = "";
  readonly #files = $derived(this.#list?.items.filter((item) => item.__typename === "File") ?? []);
  readonly #place = $derived(this.#files.findIndex((file) => file.id === this.#id));
  readonly previous = $derived(this.#place > 0 ? this.#files[this.#place - 1] : undefined);
  readonly next = $derived(this.#place < 0 ? undefined : this.#files[this.#place + 1]);

  /** Find those of a file. The folder is read again only if it is another one. */
  async find(id: string, folderId: string, order: ItemOrder): Promise<void> {
    this.#id = id;
    const folder = `${folderId} ${order.field} ${order.direction}`;
    if (folder !== this.#folder) {
      this.close();
      this.#folder = folder;
      this.#list = drive.open(folderItems(folderId, order));
    }
    const list = this.#list;
    for (let page = 0; list && page < MAX_PAGES && this.#isMissing(list); page++) await list.loadMore();
  }

  close(): void {
    if (this.#list) drive.close(this.#list);
    this.#list = null;
    this.#folder = "";
  }

  /** Whether the file or the one after it may be on the next page. */
  #isMissing(list: ItemList): boolean {
    const place = list.ids.indexOf(this.#id);
    return this.#list === list && list.hasMore && !list.error && (place < 0 || place === list.ids.length - 1);
  }
}
