/** Uploads by their states. To add, to move and to count take no longer with more of them. */
import type { QueuedUpload, State } from "./queued-upload.svelte";

export class Groups {
  readonly #groups = new Map<State, Set<QueuedUpload>>();

  get states(): State[] {
    return [...this.#groups.keys()];
  }

  of(state: State): Set<QueuedUpload> {
    const known = this.#groups.get(state);
    if (known) return known;
    const group = new Set<QueuedUpload>();
    this.#groups.set(state, group);
    return group;
  }
}
