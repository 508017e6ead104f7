/** What is selected in a list, and the item that the keyboard acts on. */
/* eslint-disable svelte/prefer-svelte-reactivity -- a set is replaced as a whole, never changed */

export class Selection {
  #chosen = $state.raw<ReadonlySet<string>>(new Set());
  /** The item that has the focus, or gets it when the list does. */
  #active = $state.raw<string | null>(null);
  /** Where a range begins. */
  #anchor: string | null = null;
  /** The selected items, in the order of the list. What has left the list is no longer selected. */
  readonly ids = $derived.by(() => (this.#chosen.size ? this.order().filter((id) => this.#chosen.has(id)) : []));

  /** @param order The IDs of the list. */
  constructor(private readonly order: () => readonly string[]) {}

  get active(): string | null {
    return this.#active;
  }

  has(id: string): boolean {
    return this.#chosen.has(id);
  }

  /** Tell that an item has the focus. */
  activate(id: string): void {
    this.#active = id;
  }

  /** Go to an item without selecting it: ranges begin there. */
  moveTo(id: string): void {
    this.#begin(id);
  }

  /** Select one item alone. */
  only(id: string): void {
    this.#chosen = new Set([id]);
    this.#begin(id);
  }

  /** Select an item as well, or no longer. */
  toggle(id: string): void {
    const chosen = new Set(this.#chosen);
    if (!chosen.delete(id)) chosen.add(id);
    this.#chosen = chosen;
    this.#begin(id);
  }

  /** Select everything from the item where the range begins. */
  extendTo(id: string): void {
    const order = this.order();
    const from = order.indexOf(this.#anchor ?? this.#active ?? id);
    const to = order.indexOf(id);
    if (from < 0) return this.only(id);
    this.#anchor = order[from] ?? id;
    this.#chosen = new Set(order.slice(Math.min(from, to), Math.max(from, to) + 1));
    this.#active = id;
  }

  all(): void {
    this.#chosen = new Set(this.order());
  }

  clear(): void {
    this.#chosen = new Set();
    this.#anchor = null;
  }

  #begin(id: string): void {
    this.#anchor = id;
    this.#active = id;
  }
}
