/**
 * Keeps the numbers of items on folders true. A change of an item does not tell the number in its folder, and whether
 * that was counted before or after the change is unknown: so the folder is asked for again, after a while for all changes.
 */
import type { Item } from "./items.svelte";

/** Many changes may come at once, such as those of an upload of a folder. */
const WAIT_MS = 1000;

export class Counts {
  readonly #stale = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** @param refresh Load a folder again. */
  constructor(private readonly refresh: (folderId: string) => Promise<void>) {}

  /** Tell that an item was in one place, and is in another one now. Null or undefined: it was in none that is known. */
  changed(before: Item | null | undefined, after: Item | null | undefined): void {
    const [from, to] = [folderOf(before), folderOf(after)];
    if (from === to) return;
    for (const id of [from, to]) if (id) this.#stale.add(id);
    this.#timer ??= setTimeout(() => void this.#refreshAll(), WAIT_MS);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#stale.clear();
  }

  async #refreshAll(): Promise<void> {
    this.#timer = null;
    const ids = [...this.#stale];
    this.#stale.clear();
    for (const id of ids) await this.refresh(id);
  }
}

function folderOf(item: Item | null | undefined): string | null {
  return item && !item.trashedAt ? (item.parent?.id ?? null) : null;
}
