/** A list of items that is loaded page by page and then follows the changes of the drive. */
import { joinIds } from "./ids";
import type { Item, Items } from "./items.svelte";

/** Items of a page. */
export const PAGE_SIZE = 100;

export interface Page {
  items: Item[];
  /** The cursor of the next page; null after the last one. */
  next: string | null;
}

export interface Source {
  /** Load the page after a cursor. */
  load(after: string | null, signal: AbortSignal): Promise<Page>;
  /** Whether an item that has changed belongs into the list. */
  has(item: Item): boolean;
  /** Whether it has items of many folders: those below a folder come and go with it, without changes of their own. */
  isAcrossFolders?: boolean;
  /** The order of the list. */
  compare(a: Item, b: Item): number;
}

export class ItemList {
  #ids = $state.raw<readonly string[]>([]);
  /** Why the last page could not be loaded. */
  error = $state.raw<unknown>(null);
  isLoading = $state(false);
  /** Whether the first page was loaded. */
  isLoaded = $state(false);
  /** Whether no page shows it: then it is not loaded again by itself. */
  isHidden = false;
  /** Whether the last page has brought nothing, although more may follow: a search reads many names for few hits. */
  isPageEmpty = $state(false);
  #next = $state.raw<string | null>(null);
  #loading: AbortController | null = null;
  /** What has changed while a page is loaded, which the server may have read before; null for what is gone. */
  // Nothing is shown by it.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #changed = new Map<string, Item | null>();
  /** Of many items, ask the store only for those that are shown. */
  readonly items = $derived.by(() => this.#ids.flatMap((id) => this.store.get(id) ?? []));

  constructor(
    readonly source: Source,
    private readonly store: Items,
  ) {}

  get ids(): readonly string[] {
    return this.#ids;
  }

  get hasMore(): boolean {
    return !this.isLoaded || this.#next !== null;
  }

  /** Load the first page, or all again. What is shown stays until it has come. */
  async reload(): Promise<void> {
    this.#loading?.abort();
    await this.#load(null, (ids) => ids);
  }

  /** Load the next page, unless one is being loaded. */
  async loadMore(): Promise<void> {
    if (this.isLoading || !this.hasMore) return;
    await this.#load(this.#next, (ids) => joinIds(this.#ids, ids));
  }

  /** Stop loading. */
  close(): void {
    this.#loading?.abort();
  }

  /** Take over an item that has changed: it comes into the list, moves in it, or leaves it. */
  update(item: Item): void {
    this.#changed.set(item.id, item);
    if (this.isLoaded) this.#place(item);
  }

  remove(id: string): void {
    this.#changed.set(id, null);
    if (this.#ids.includes(id)) this.#ids = this.#ids.filter((other) => other !== id);
  }

  #place(item: Item): void {
    const others = this.#ids.filter((id) => id !== item.id);
    if (!this.source.has(item)) {
      if (others.length < this.#ids.length) this.#ids = others;
      return;
    }
    const place = this.#placeOf(item, others);
    // Whether an item after the last one belongs to this page or a later one is not known before that is loaded.
    if (place === others.length && this.#next !== null) this.#ids = others;
    else this.#ids = others.toSpliced(place, 0, item.id);
  }

  #placeOf(item: Item, ids: readonly string[]): number {
    const place = ids.findIndex((id) => {
      const other = this.store.get(id);
      return other && this.source.compare(item, other) < 0;
    });
    return place < 0 ? ids.length : place;
  }

  async #load(after: string | null, shown: (ids: string[]) => readonly string[]): Promise<void> {
    const loading = new AbortController();
    this.#loading = loading;
    this.isLoading = true;
    this.#changed.clear();
    try {
      const page = await this.source.load(after, loading.signal);
      if (loading.signal.aborted) return;
      this.#take(page, shown);
      this.error = null;
    } catch (error) {
      if (!loading.signal.aborted) this.error = error;
    } finally {
      if (this.#loading === loading) this.isLoading = false;
    }
  }

  /** Show a page. What has changed since it was asked for is newer than what it says. */
  #take(page: Page, shown: (ids: string[]) => readonly string[]): void {
    const changed = [...this.#changed.entries()];
    this.store.put(...page.items.filter((item) => !this.#changed.has(item.id)));
    this.#ids = shown(page.items.map((item) => item.id)).filter((id) => this.#changed.get(id) !== null);
    this.#next = page.next;
    this.isPageEmpty = page.items.length === 0 && page.next !== null;
    this.isLoaded = true;
    for (const [, item] of changed) if (item) this.#place(item);
  }
}
