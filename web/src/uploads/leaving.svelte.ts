/** Asks before somebody signs out while files are sent. */
import { queue } from "./queue/queue.svelte";

class Leaving {
  #answer = $state.raw<((mayLeave: boolean) => void) | null>(null);

  /** Whether the question is open. */
  get isAsked(): boolean {
    return this.#answer !== null;
  }

  /** Whether the account may be left. Asks only if something is not finished. */
  mayLeave(): Promise<boolean> {
    if (queue.openCount === 0) return Promise.resolve(true);
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(mayLeave: boolean): void {
    this.#answer?.(mayLeave);
    this.#answer = null;
  }
}

export const leaving = new Leaving();
