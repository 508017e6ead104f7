/**
 * The searches of this page. A search is expensive, so there is one at a time: what is asked for meanwhile waits, and only the
 * newest of it is sent. The last ones are kept until something has changed in the drive.
 */
/* eslint-disable svelte/prefer-svelte-reactivity -- what is kept is not shown */
import type { ItemList } from "../drive/list.svelte";

/** Searches that are kept. */
const MAX_KEPT = 10;

export interface SearchOptions<Query> {
  open: (query: Query) => ItemList;
  close: (list: ItemList) => void;
}

interface Found<Query> {
  query: Query;
  list: ItemList;
}

export class Searches<Query> {
  /** What was searched for last, and what it has found. */
  #shown = $state.raw<Found<Query> | null>(null);
  isSearching = $state(false);
  readonly #kept = new Map<string, ItemList>();
  readonly #stale = new Set<ItemList>();
  #next: Query | null = null;

  constructor(private readonly options: SearchOptions<Query>) {}

  get shown(): Found<Query> | null {
    return this.#shown;
  }

  /** A search is expensive: only what is shown is searched for again when something changes. */
  set shown(shown: Found<Query> | null) {
    const before = this.#shown?.list;
    if (before) before.isHidden = true;
    if (shown) shown.list.isHidden = false;
    this.#shown = shown;
    if (before && before !== shown?.list && !this.#isKept(before)) this.options.close(before);
  }

  /** Show what a search finds. What was found before is shown until then. */
  async search(query: Query): Promise<void> {
    const kept = this.#kept.get(keyOf(query));
    this.#next = null;
    if (kept && !this.#stale.has(kept)) {
      this.shown = { query, list: kept };
      return;
    }
    this.#next = query;
    if (this.isSearching) return;
    this.isSearching = true;
    while (this.#next !== null) await this.#run(this.#next);
    this.isSearching = false;
  }

  /** Tell that something has changed in the drive, so that the same search may find something else. */
  changed(): void {
    for (const list of this.#kept.values()) this.#stale.add(list);
  }

  close(): void {
    this.#next = null;
    for (const list of this.#kept.values()) this.options.close(list);
    this.#kept.clear();
    this.#stale.clear();
    this.shown = null;
  }

  async #run(query: Query): Promise<void> {
    const list = this.options.open(query);
    list.isHidden = true;
    this.#keep(query, list);
    await list.reload();
    if (list.error) this.#stale.add(list);
    if (this.#next !== query) return;
    this.#next = null;
    this.shown = { query, list };
  }

  #keep(query: Query, list: ItemList): void {
    const before = this.#kept.get(keyOf(query));
    this.#kept.delete(keyOf(query));
    this.#kept.set(keyOf(query), list);
    if (before) this.#drop(before);
    for (const [key, old] of this.#kept) {
      if (this.#kept.size <= MAX_KEPT) break;
      this.#kept.delete(key);
      this.#drop(old);
    }
  }

  /** Forget a list. One that is shown follows the changes until another one is. */
  #drop(list: ItemList): void {
    this.#stale.delete(list);
    if (list !== this.shown?.list) this.options.close(list);
  }

  #isKept(list: ItemList): boolean {
    return [...this.#kept.values()].includes(list);
  }
}

function keyOf(query: unknown): string {
  return JSON.stringify(query);
}
