/** The uploads of this tab: a few files are sent at the same time, the others wait for their turn. */
import { hasCode, type Progress } from "@cloudkeep/client";

import { Lists } from "./lists.svelte";
import { uploadsByFile } from "./matching";
import { planOf, type Entry } from "./plan";
import { QueuedUpload, type Outcome, type State } from "./queued-upload.svelte";
import type { Records } from "../resume/records";
import type { Services } from "./dependencies";
import { Totals } from "./totals.svelte";
import { followUpload, sendFile } from "./send-file";

/** Files that are sent at the same time: more would use up the budget for their slots. */
const MAX_CONCURRENT = 3;
/** More at once would keep the page busy. */
const ADDED_AT_ONCE = 250;
const OPEN: readonly State[] = ["running", "elsewhere", "paused", "waiting"];
/** States that count for the time that is left. */
const COUNTED: readonly State[] = ["running", "waiting"];

export class UploadQueue {
  readonly lists = new Lists();
  readonly totals = new Totals();
  /** Those that need a turn: a file that is only checked any more does not. */
  readonly #sending = new Set<QueuedUpload>();
  /** Those that are not over, by their keys. */
  readonly #open = new Map<string, QueuedUpload>();
  #records: Records | null = null;
  /** Aborts when the account is left. */
  #account = new AbortController();

  constructor(private readonly services: Services) {}

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
    this.#records = records;
    void records.put([...this.#open.values()].map((upload) => upload.record));
    for (const record of found.filter(({ key }) => !this.#open.has(key))) {
      const upload = QueuedUpload.of(record);
      this.#open.set(upload.key, upload);
      if (upload.uploadId) void this.#look(upload, upload.uploadId);
      else this.#interrupt(upload);
    }
  }

  /** End everything on this page, and forget it: somebody has signed out. The server keeps what it has for a while. */
  stop(): void {
    this.#account.abort();
    void this.#records?.forget();
    this.#records = null;
    for (const upload of this.#open.values()) upload.stop.abort();
    this.#open.clear();
    this.#sending.clear();
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
      const upload = this.#open.get(fresh.key) ?? fresh;
      // The same file once more changes nothing.
      if (upload !== fresh && upload.state !== "interrupted") continue;
      this.#withFile(upload, entry);
      added.push(upload);
    }
    void this.#records?.put(added.map((upload) => upload.record));
    this.#fill();
  }

  /** Go on with interrupted uploads by their files. Returns how many files belong to none. */
  choose(entries: readonly Entry[], candidates: Iterable<QueuedUpload> = [...this.lists.of("interrupted")]): number {
    let strangers = 0;
    for (const [entry, uploads] of uploadsByFile(entries, candidates)) {
      if (!uploads.length) strangers++;
      for (const upload of uploads) this.#withFile(upload, entry);
    }
    this.#fill();
    return strangers;
  }

  pause(upload: QueuedUpload): void {
    if (upload.state !== "running" && upload.state !== "waiting") return;
    upload.upload?.pause();
    this.#move(upload, "paused");
    this.#release(upload);
  }

  resume(upload: QueuedUpload): void {
    if (upload.state !== "paused") return;
    if (upload.upload) {
      // Somebody wants this one: it does not wait for a turn.
      this.#sending.add(upload);
      this.#move(upload, "running");
      upload.upload.resume();
    } else {
      this.#move(upload, "waiting");
      this.#fill();
    }
  }

  pauseAll(): void {
    this.lists.isPaused = true;
    for (const upload of [...this.#sending]) this.pause(upload);
    this.totals.rest();
  }

  resumeAll(): void {
    this.lists.isPaused = false;
    for (const upload of [...this.lists.of("paused")]) this.resume(upload);
    this.#fill();
  }

  /** Cancel an upload. What was sent of it is deleted. If it is too late for that, `refusal` says so. */
  async cancel(upload: QueuedUpload): Promise<void> {
    if (upload.isOver || upload.isCancelling) return;
    upload.isCancelling = true;
    upload.refusal = null;
    try {
      if (upload.upload) await upload.upload.abort();
      else if (upload.uploadId) await this.services.abort(upload.uploadId);
      if (!upload.isOver) this.#end(upload, "cancelled");
      upload.stop.abort();
    } catch (error) {
      upload.refusal = error;
      const { state, uploadId } = upload;
      if (state === "interrupted" && uploadId && hasCode(error, "UPLOAD_CLOSED")) void this.#look(upload, uploadId);
    } finally {
      upload.isCancelling = false;
    }
  }

  retry(upload: QueuedUpload): void {
    if (upload.state !== "failed") return;
    upload.error = null;
    upload.refusal = null;
    this.#move(upload, "waiting");
    void this.#records?.put([upload.record]);
    this.#fill();
  }

  /** Send another state of a file that has changed, or give an interrupted upload its file. */
  chooseAgain(upload: QueuedUpload, entry: Entry): boolean {
    if (upload.state !== "failed") return this.choose([entry], [upload]) === 0;
    this.lists.remove(upload);
    this.add([{ ...entry, relativePath: upload.plan.relativePath }], upload.plan.parentId);
    return true;
  }

  retryAll(): void {
    for (const upload of [...this.lists.of("failed")]) this.retry(upload);
  }

  /** Take what is over from the list. */
  clear(): void {
    this.lists.clear(["done", "failed", "cancelled"]);
  }

  #fill(): void {
    for (const upload of this.lists.of("waiting")) {
      if (this.lists.isPaused || this.#sending.size >= MAX_CONCURRENT) return;
      this.#sending.add(upload);
      this.#move(upload, "running");
      void this.#run(upload);
    }
  }

  async #run(upload: QueuedUpload): Promise<void> {
    upload.stop = new AbortController();
    const onBusy = () => {
      this.#move(upload, "elsewhere");
      this.#release(upload);
    };
    await this.#settle(upload, () =>
      this.services.alone(upload.key, upload.stop.signal, onBusy, () => {
        if (upload.state === "elsewhere") this.#move(upload, "running");
        return sendFile(this.services, upload, this.#sending.size === 1, {
          onStarted: () => void this.#records?.put([upload.record]),
          onProgress: (progress) => this.#progress(upload, progress),
        });
      }),
    );
  }

  /** Follow an upload without its file, in case the server needs nothing more of it. */
  async #look(upload: QueuedUpload, uploadId: string): Promise<void> {
    this.#move(upload, "running");
    await this.#settle(upload, () => followUpload(this.services, upload, uploadId));
  }

  async #settle(upload: QueuedUpload, work: () => Promise<Outcome | null>): Promise<void> {
    const { signal } = upload.stop;
    try {
      const outcome = await work();
      if (signal.aborted) return;
      if (outcome) this.#done(upload, outcome);
      else this.#interrupt(upload);
    } catch (error) {
      if (!signal.aborted) this.#failed(upload, error);
    } finally {
      upload.upload = null;
      this.#release(upload);
    }
  }

  #done(upload: QueuedUpload, outcome: Outcome): void {
    upload.outcome = outcome;
    this.#sent(upload, upload.plan.size);
    this.totals.done(1, 0);
    this.#end(upload, "done");
  }

  #failed(upload: QueuedUpload, error: unknown): void {
    upload.error = error;
    this.#end(upload, hasCode(error, "ABORTED") ? "cancelled" : "failed");
  }

  #end(upload: QueuedUpload, state: "done" | "failed" | "cancelled"): void {
    if (upload.isOver) return;
    this.#move(upload, state);
    this.#open.delete(upload.key);
    this.#release(upload);
    void this.#records?.remove([upload.key]);
  }

  #progress(upload: QueuedUpload, progress: Progress): void {
    const isFirst = upload.progress === null;
    upload.waitsUntil = progress.retryAfter === null ? null : Date.now() + progress.retryAfter * 1000;
    upload.progress = progress;
    if ([...this.#sending].every((each) => each.progress?.waitsFor)) this.totals.rest();
    // What the server had before this page sent anything says nothing about the speed.
    if (progress.stage === "RECEIVING") this.#sent(upload, progress.sent, isFirst);
    if (progress.stage === "REASSEMBLING" || progress.stage === "COMPRESSING") this.#release(upload);
  }

  #sent(upload: QueuedUpload, sent: number, isKnown = false): void {
    const bytes = sent - upload.sent;
    upload.sent = sent;
    if (COUNTED.includes(upload.state)) this.totals.plan(0, -bytes);
    if (!isKnown && bytes > 0) this.totals.done(0, bytes);
  }

  /** Give the turn of an upload to the next one. */
  #release(upload: QueuedUpload): void {
    if (!this.#sending.delete(upload)) return;
    if (!this.#sending.size && !this.lists.of("waiting").size) this.totals.rest();
    this.#fill();
  }

  #move(upload: QueuedUpload, to: State): void {
    const left = upload.plan.size - upload.sent;
    if (COUNTED.includes(upload.state) && this.lists.of(upload.state).has(upload)) this.totals.plan(-1, -left);
    this.lists.move(upload, to);
    if (COUNTED.includes(to)) this.totals.plan(1, left);
  }

  #withFile(upload: QueuedUpload, entry: Entry): QueuedUpload {
    upload.file = entry.file;
    upload.handle = entry.handle ?? upload.handle;
    this.#open.set(upload.key, upload);
    this.#move(upload, "waiting");
    return upload;
  }

  /** Wait for the file of an upload, unless its handle still leads to it. */
  #interrupt(upload: QueuedUpload): void {
    this.#move(upload, "interrupted");
    const { handle } = upload;
    if (handle) void this.services.fileOf(handle).then((file) => file && this.#found(upload, file));
  }

  #found(upload: QueuedUpload, file: File): void {
    if (upload.state === "interrupted") this.choose([{ file, relativePath: null }], [upload]);
  }
}
