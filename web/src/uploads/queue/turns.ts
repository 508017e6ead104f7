/** Whose turn it is: a few files are sent at the same time. A group of small ones takes one turn. */
import type { QueuedUpload } from "./queued-upload.svelte";

/** More would use up the budget for their slots. */
const MAX_CONCURRENT = 3;
/** Files that the server starts by one request. */
const MAX_GROUP = 100;

export class Turns {
  readonly #turns = new Set<Set<QueuedUpload>>();

  get count(): number {
    return this.#turns.size;
  }

  get areTaken(): boolean {
    return this.count >= MAX_CONCURRENT;
  }

  get uploads(): QueuedUpload[] {
    return [...this.#turns].flatMap((turn) => [...turn]);
  }

  give(uploads: readonly QueuedUpload[]): void {
    this.#turns.add(new Set(uploads));
  }

  /** Take the turn of an upload. Returns whether it had one. */
  take(upload: QueuedUpload): boolean {
    for (const turn of this.#turns) {
      if (!turn.delete(upload)) continue;
      if (!turn.size) this.#turns.delete(turn);
      return true;
    }
    return false;
  }

  clear(): void {
    this.#turns.clear();
  }
}

/** The next upload, or the next group: small files up to `maxSize` bytes. */
export function nextOf(waiting: Iterable<QueuedUpload>, maxSize: number): QueuedUpload[] {
  const group: QueuedUpload[] = [];
  for (const upload of waiting) {
    const isSmall = upload.mayBeGrouped && upload.plan.size <= maxSize;
    if (!isSmall && !group.length) return [upload];
    if (isSmall) group.push(upload);
    if (group.length === MAX_GROUP) break;
  }
  return group;
}
