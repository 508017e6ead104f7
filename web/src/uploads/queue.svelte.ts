/** The uploads of this tab: a few run at the same time, the others wait for their turn. */
import { hasCode, type Progress, type Upload } from "@cloudkeep/client";

import { client } from "../api/client";
import { progressOf } from "./progress";

/** A file that somebody has dropped or chosen. */
export interface Entry {
  file: File;
  /** The path from the folder to the file's own, such as `photos/2026`; null without one. */
  relativePath: string | null;
}

export type State = "waiting" | "running" | "paused" | "done" | "failed" | "cancelled";

/** Files that are sent at the same time: more would use up the budget for their slots. */
const AT_ONCE = 3;

let lastKey = 0;

export class QueuedUpload {
  readonly key = ++lastKey;
  readonly name: string;
  state = $state<State>("waiting");
  progress = $state.raw<Progress | null>(null);
  error = $state.raw<unknown>(null);
  /** The file that it has become. */
  fileId = $state.raw<string | null>(null);
  upload: Upload | null = null;

  constructor(
    readonly entry: Entry,
    /** The folder; null for the root. */
    readonly parentId: string | null,
  ) {
    this.name = entry.file.name;
  }

  get isOver(): boolean {
    return this.state === "done" || this.state === "failed" || this.state === "cancelled";
  }
}

class Queue {
  uploads = $state.raw<readonly QueuedUpload[]>([]);
  readonly #waiting: QueuedUpload[] = [];
  #running = 0;

  /** Upload files into a folder; without one, into the root. */
  add(entries: readonly Entry[], parentId: string | null): void {
    const added = entries.map((entry) => new QueuedUpload(entry, parentId));
    this.uploads = [...this.uploads, ...added];
    this.#waiting.push(...added);
    this.#fill();
  }

  pause(upload: QueuedUpload): void {
    upload.upload?.pause();
    if (!upload.isOver) upload.state = "paused";
  }

  resume(upload: QueuedUpload): void {
    if (upload.state !== "paused") return;
    upload.state = upload.upload ? "running" : "waiting";
    upload.upload?.resume();
    this.#fill();
  }

  /** Cancel an upload. What was sent of it is deleted. */
  async cancel(upload: QueuedUpload): Promise<void> {
    await upload.upload?.abort();
    upload.state = "cancelled";
  }

  retry(upload: QueuedUpload): void {
    if (upload.state !== "failed") return;
    upload.state = "waiting";
    upload.error = null;
    this.#waiting.push(upload);
    this.#fill();
  }

  /** Forget the uploads that are over. */
  clear(): void {
    this.uploads = this.uploads.filter((upload) => !upload.isOver);
  }

  #fill(): void {
    while (this.#running < AT_ONCE) {
      const next = this.#waiting.findIndex((upload) => upload.state !== "paused");
      const [upload] = next < 0 ? [] : this.#waiting.splice(next, 1);
      if (!upload) return;
      if (upload.state === "waiting") void this.#run(upload);
    }
  }

  async #run(upload: QueuedUpload): Promise<void> {
    this.#running++;
    upload.state = "running";
    try {
      upload.upload = client.upload(upload.entry.file, {
        parentId: upload.parentId,
        relativePath: upload.entry.relativePath,
        feed: progressOf,
        onProgress: (progress) => (upload.progress = progress),
      });
      upload.fileId = (await upload.upload.done).fileId;
      upload.state = "done";
    } catch (error) {
      upload.error = error;
      upload.state = hasCode(error, "ABORTED") ? "cancelled" : "failed";
    } finally {
      upload.upload = null;
      this.#running--;
      this.#fill();
    }
  }
}

export const queue = new Queue();
