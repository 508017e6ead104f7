/** Something that a page loads: its value, or why there is none. The old value stays while it is loaded again. */
export class Resource<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<unknown>(null);
  readonly #load: () => Promise<T>;
  #latest = 0;

  constructor(load: () => Promise<T>) {
    this.#load = load;
  }

  async load(): Promise<void> {
    const number = ++this.#latest;
    try {
      const value = await this.#load();
      if (number !== this.#latest) return;
      this.value = value;
      this.error = null;
    } catch (error) {
      if (number === this.#latest) this.error = error;
    }
  }
}
