/** The server's progress with uploads, from the feed that all tabs share. */
import type { ServerProgress } from "@cloudkeep/client";

interface UploadEvent extends ServerProgress {
  upload: { id: string };
}

/** Milliseconds without an event after which the client looks by itself, at first and at most: the feed may be away. */
const FIRST_SILENCE = 5_000;
const LONGEST_SILENCE = 60_000;
/** Uploads of which the last event is kept. */
const MAX_KEPT = 200;

interface Known {
  event: ServerProgress | null;
  silence: number;
}

export class ProgressFeed {
  /** The newest event of each upload: it may come before somebody asks for it. */
  readonly #known = new Map<string, Known>();
  readonly #wakes = new Map<string, () => void>();

  /** Take over an event of the feed. */
  take({ upload: { id }, ...event }: UploadEvent): void {
    this.#known.delete(id);
    this.#known.set(id, { event, silence: FIRST_SILENCE });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KEPT && oldest !== undefined) this.#known.delete(oldest);
    this.#wakes.get(id)?.();
  }

  /** The progress of an upload until `signal` aborts, or nothing has come for a while. */
  async *of(id: string, signal: AbortSignal): AsyncGenerator<ServerProgress> {
    while (!signal.aborted) {
      const known = this.#known.get(id) ?? { event: null, silence: FIRST_SILENCE };
      const { event } = known;
      if (event) {
        known.event = null;
        yield event;
      } else if (!(await this.#next(id, known.silence, signal))) {
        this.#known.set(id, { event: null, silence: Math.min(2 * known.silence, LONGEST_SILENCE) });
        return;
      }
    }
  }

  /** Whether an event came in time. */
  #next(id: string, silence: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (heard: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        this.#wakes.delete(id);
        resolve(heard);
      };
      const stop = () => end(false);
      const timer = setTimeout(stop, silence);
      signal.addEventListener("abort", stop);
      this.#wakes.set(id, () => end(true));
    });
  }
}
