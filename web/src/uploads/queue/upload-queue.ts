/** The uploads of this tab: a few files are sent at the same time, the others wait for their turn. */
import { CloudKeepError, hasCode } from "@cloudkeep/client";

import { uploadsByFile } from "./matching";
import { planOf, type Entry } from "./plan";
import { QueuedUpload, type State } from "./queued-upload.svelte";
import { Sending } from "./sending";

/** More at once would keep the page busy. */
const ADDED_AT_ONCE = 250;
const OPEN: readonly State[] = ["running", "elsewhere", "paused", "waiting"];

export class UploadQueue extends Sending {
  /** Aborts when the account is left. */
  #account = new AbortController();

  get isPaused(): boolean {
    return this.lists.isPaused;
  }

  /** The number of uploads that have not ended, and that this page works on. */
  get openCount(): number {
    return this.lists.count(...OPEN);
  }

  /** Work for an account: go on with what a reload has interrupted. */
  async start(accountId: string): Promise<void> {
    const { signal } = (this.#account = new AbortController());
    const records = await this.services.recordsOf(accountId);
    const found = await records.claim();
    if (signal.aborted) return;
    this.records = records;
    void records.put([...this.open.values()].map((upload) => upload.record));
    for (const record of found.filter(({ key }) => !this.open.has(key))) {
      const upload = QueuedUpload.of(record);
      this.open.set(upload.key, upload);
      if (upload.uploadId) void this.look(upload, upload.uploadId);
      else this.interrupt(upload);
    }
  }

  /** End everything on this page, and forget it: somebody has signed out. The server keeps what it has for a while. */
  stop(): void {
    this.#account.abort();
    void this.records?.forget();
    this.records = null;
    for (const upload of this.open.values()) upload.stop.abort();
    this.open.clear();
    this.turns.clear();
    this.lists.clear();
    this.totals.reset();
    this.lists.isPaused = false;
  }

  /** Upload files into a folder; without one, into the root. */
  add(entries: readonly Entry[], parentId: string | null): void {
    if (this.openCount === 0) this.lists.isPaused = false;
    this.#add(entries.slice(0, ADDED_AT_ONCE), parentId);
    const rest = entries.slice(ADDED_AT_ONCE);
    const { signal } = this.#account;
    if (rest.length) setTimeout(() => signal.aborted || this.add(rest, parentId));
  }

  #add(entries: readonly Entry[], parentId: string | null): void {
    const added: QueuedUpload[] = [];
    for (const entry of entries) {
      const plan = planOf(entry, parentId, this.services.compressionOf(entry.file));
      const fresh = new QueuedUpload(plan);
      const upload = this.open.get(fresh.key) ?? fresh;
      // The same file once more changes nothing.
      if (upload !== fresh && upload.state !== "interrupted") continue;
      this.#withFile(upload, entry);
      added.push(upload);
    }
    void this.records?.put(added.map((upload) => upload.record));
    this.fill();
  }

  /** Go on with interrupted uploads by their files. Returns how many files belong to none. */
  choose(entries: readonly Entry[], candidates: Iterable<QueuedUpload> = [...this.lists.of("interrupted")]): number {
    let strangers = 0;
    for (const [entry, uploads] of uploadsByFile(entries, candidates)) {
      if (!uploads.length) strangers++;
      for (const upload of uploads) this.#withFile(upload, entry);
    }
    this.fill();
    return strangers;
  }

  pause(upload: QueuedUpload): void {
    if (upload.state !== "running" && upload.state !== "waiting") return;
    upload.upload?.pause();
    this.move(upload, "paused");
    this.release(upload);
  }

  resume(upload: QueuedUpload): void {
    if (upload.state !== "paused") return;
    if (upload.upload) {
      // Somebody wants this one: it does not wait for a turn.
      this.turns.give([upload]);
      this.move(upload, "running");
      upload.upload.resume();
    } else {
      this.move(upload, "waiting");
      this.fill();
    }
  }

  pauseAll(): void {
    this.lists.isPaused = true;
    for (const upload of this.turns.uploads) {
      // A group has no pause: it is sent again, and what has arrived of it counts.
      if (upload.group) upload.stop.abort();
      upload.group = null;
      this.pause(upload);
    }
    this.totals.rest();
  }

  resumeAll(): void {
    this.lists.isPaused = false;
    const paused = [...this.lists.of("paused")];
    // All of them wait before the first has its turn, so that small ones can be sent together.
    for (const upload of paused) if (!upload.upload) this.move(upload, "waiting");
    for (const upload of paused) this.resume(upload);
    this.fill();
  }

  /** Cancel an upload. What was sent of it is deleted. If it is too late for that, `refusal` says so. */
  async cancel(upload: QueuedUpload): Promise<void> {
    if (upload.isOver || upload.isCancelling) return;
    upload.isCancelling = true;
    upload.refusal = null;
    try {
      // What is sent together ends together.
      await upload.group;
      if (upload.isOver) throw new CloudKeepError("UPLOAD_CLOSED", "All of it has arrived.");
      if (upload.upload) await upload.upload.abort();
      else if (upload.uploadId) await this.services.abort(upload.uploadId);
      if (!upload.isOver) this.end(upload, "cancelled");
      upload.stop.abort();
    } catch (error) {
      upload.refusal = error;
      const { state, uploadId } = upload;
      if (state === "interrupted" && uploadId && hasCode(error, "UPLOAD_CLOSED")) void this.look(upload, uploadId);
    } finally {
      upload.isCancelling = false;
    }
  }

  retry(upload: QueuedUpload): void {
    if (upload.state !== "failed") return;
    upload.error = null;
    upload.refusal = null;
    this.move(upload, "waiting");
    void this.records?.put([upload.record]);
    this.fill();
  }

  /** Send another state of a file that has changed, or give an interrupted upload its file. */
  chooseAgain(upload: QueuedUpload, entry: Entry): boolean {
    if (upload.state !== "failed") return this.choose([entry], [upload]) === 0;
    this.lists.remove(upload);
    const { parentId, relativePath, replaces } = upload.plan;
    this.add([{ ...entry, relativePath, replaces }], parentId);
    return true;
  }

  retryAll(): void {
    for (const upload of [...this.lists.of("failed")]) this.retry(upload);
  }

  /** Take what is over from the list. */
  clear(): void {
    this.lists.clear(["done", "failed", "cancelled"]);
  }

  #withFile(upload: QueuedUpload, entry: Entry): QueuedUpload {
    upload.file = entry.file;
    upload.handle = entry.handle ?? upload.handle;
    this.open.set(upload.key, upload);
    this.move(upload, "waiting");
    return upload;
  }

  /** Wait for the file of an upload, unless its handle still leads to it. */
  protected interrupt(upload: QueuedUpload): void {
    this.move(upload, "interrupted");
    const { handle } = upload;
    if (handle) void this.services.fileOf(handle).then((file) => file && this.#found(upload, file));
  }

  #found(upload: QueuedUpload, file: File): void {
    if (upload.state === "interrupted") this.choose([{ file, relativePath: null }], [upload]);
  }
}
