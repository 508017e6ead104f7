/** The uploads as the tray shows them. */
import { Groups } from "./groups";
import type { QueuedUpload, State } from "./queued-upload.svelte";

/** The order of the tray: first what needs somebody, then what happens. */
const ORDER: readonly State[] = ["failed", "interrupted", "running", "elsewhere", "paused", "waiting"];
/** Rows of the tray; it says how many others there are. */
export const MAX_ROWS = 50;

export class Lists {
  /** Whether all wait until somebody lets them go on. */
  isPaused = $state(false);
  readonly #groups = new Groups();
  /** The last ones that are over, newest first. */
  #recent: QueuedUpload[] = [];
  /** Read before the groups, which Svelte does not watch. */
  #version = $state(0);

  get size(): number {
    return this.count(...this.#groups.states);
  }

  /** The uploads that are shown. */
  get rows(): QueuedUpload[] {
    void this.#version;
    const rows: QueuedUpload[] = [];
    for (const state of ORDER) {
      for (const upload of this.of(state)) {
        if (rows.length === MAX_ROWS) return rows;
        rows.push(upload);
      }
    }
    return [...rows, ...this.#recent].slice(0, MAX_ROWS);
  }

  count(...states: State[]): number {
    void this.#version;
    return states.reduce((sum, state) => sum + this.of(state).size, 0);
  }

  of(state: State): ReadonlySet<QueuedUpload> {
    return this.#groups.of(state);
  }

  move(upload: QueuedUpload, to: State): void {
    this.#groups.of(upload.state).delete(upload);
    upload.state = to;
    this.#groups.of(to).add(upload);
    if (to === "done" || to === "cancelled") this.#recent = [upload, ...this.#recent].slice(0, MAX_ROWS);
    this.#version++;
  }

  remove(upload: QueuedUpload): void {
    this.#groups.of(upload.state).delete(upload);
    this.#version++;
  }

  /** Forget the uploads of these states. */
  clear(states: readonly State[] = this.#groups.states): void {
    for (const state of states) this.#groups.of(state).clear();
    this.#recent = this.#recent.filter((upload) => !states.includes(upload.state));
    this.#version++;
  }
}
