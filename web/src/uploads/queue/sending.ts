/** Sends uploads: gives each its turn, and tells what becomes of it. */
import { hasCode, type Progress } from "@cloudkeep/client";

import { Lists } from "./lists.svelte";
import type { Outcome, QueuedUpload, State } from "./queued-upload.svelte";
import type { Records } from "../resume/records";
import type { Services } from "./dependencies";
import { Totals } from "./totals.svelte";
import { followUpload, sendFile } from "./send-file";
import { sendGroup } from "./send-group";
import { nextOf, Turns } from "./turns";

/** States that count for the time that is left. */
const COUNTED: readonly State[] = ["running", "waiting"];

export abstract class Sending {
  readonly lists = new Lists();
  readonly totals = new Totals();
  /** Of those that need one: a file that is only checked any more does not. */
  protected readonly turns = new Turns();
  /** Those that are not over, by their keys. */
  protected readonly open = new Map<string, QueuedUpload>();
  protected records: Records | null = null;

  constructor(protected readonly services: Services) {}

  /** Let an upload wait for its file. */
  protected abstract interrupt(upload: QueuedUpload): void;

  protected fill(): void {
    while (!this.lists.isPaused && !this.turns.areTaken) {
      const next = nextOf(this.lists.of("waiting"), this.services.maxGrouped);
      const [first] = next;
      if (!first) return;
      this.turns.give(next);
      for (const upload of next) this.move(upload, "running");
      if (next.length > 1) this.#runTogether(next);
      else void this.#run(first);
    }
  }

  /** Send small files together. If another tab sends the same ones, the server takes both for one upload. */
  #runTogether(uploads: readonly QueuedUpload[]): void {
    const stop = new AbortController();
    const group = this.#runGroup(uploads, stop.signal);
    for (const upload of uploads) {
      upload.stop = stop;
      upload.group = group;
    }
  }

  async #runGroup(uploads: readonly QueuedUpload[], signal: AbortSignal): Promise<void> {
    const outcomes = await sendGroup(this.services, uploads, signal, {
      onStarted: () => void this.records?.put(uploads.map((upload) => upload.record)),
      onProgress: (upload, progress) => this.#progress(upload, progress),
    }).catch(() => null);
    // Those of a group that was stopped may be on their way again.
    if (signal.aborted) return;
    for (const upload of uploads) {
      const outcome = outcomes?.get(upload);
      upload.group = null;
      upload.mayBeGrouped = false;
      if (outcome) this.#done(upload, outcome);
      else this.move(upload, "waiting");
    }
    for (const upload of uploads) this.release(upload);
  }

  async #run(upload: QueuedUpload): Promise<void> {
    upload.stop = new AbortController();
    const onBusy = () => {
      this.move(upload, "elsewhere");
      this.release(upload);
    };
    await this.#settle(upload, () =>
      this.services.alone(upload.key, upload.stop.signal, onBusy, () => {
        if (upload.state === "elsewhere") this.move(upload, "running");
        return sendFile(this.services, upload, this.turns.count === 1, {
          onStarted: () => void this.records?.put([upload.record]),
          onProgress: (progress) => this.#progress(upload, progress),
        });
      }),
    );
  }

  /** Follow an upload without its file, in case the server needs nothing more of it. */
  protected async look(upload: QueuedUpload, uploadId: string): Promise<void> {
    this.move(upload, "running");
    await this.#settle(upload, () => followUpload(this.services, upload, uploadId));
  }

  async #settle(upload: QueuedUpload, work: () => Promise<Outcome | null>): Promise<void> {
    const { signal } = upload.stop;
    try {
      const outcome = await work();
      if (signal.aborted) return;
      if (outcome) this.#done(upload, outcome);
      else this.interrupt(upload);
    } catch (error) {
      if (!signal.aborted) this.#failed(upload, error);
    } finally {
      upload.upload = null;
      this.release(upload);
    }
  }

  #done(upload: QueuedUpload, outcome: Outcome): void {
    upload.outcome = outcome;
    this.#sent(upload, upload.plan.size);
    this.totals.done(1, 0);
    this.end(upload, "done");
  }

  #failed(upload: QueuedUpload, error: unknown): void {
    upload.error = error;
    this.end(upload, hasCode(error, "ABORTED") ? "cancelled" : "failed");
  }

  protected end(upload: QueuedUpload, state: "done" | "failed" | "cancelled"): void {
    if (upload.isOver) return;
    this.move(upload, state);
    this.open.delete(upload.key);
    this.release(upload);
    void this.records?.remove([upload.key]);
  }

  #progress(upload: QueuedUpload, progress: Progress): void {
    const isFirst = upload.progress === null;
    upload.waitsUntil = progress.retryAfter === null ? null : Date.now() + progress.retryAfter * 1000;
    upload.progress = progress;
    if (this.turns.uploads.every((each) => each.progress?.waitsFor)) this.totals.rest();
    // What the server had before this page sent anything says nothing about the speed.
    if (progress.stage === "RECEIVING") this.#sent(upload, progress.sent, isFirst);
    if (progress.stage === "REASSEMBLING" || progress.stage === "COMPRESSING") this.release(upload);
  }

  #sent(upload: QueuedUpload, sent: number, isKnown = false): void {
    const bytes = sent - upload.sent;
    upload.sent = sent;
    if (COUNTED.includes(upload.state)) this.totals.plan(0, -bytes);
    if (!isKnown && bytes > 0) this.totals.done(0, bytes);
  }

  /** Give the turn of an upload to the next one. */
  protected release(upload: QueuedUpload): void {
    if (!this.turns.take(upload)) return;
    if (!this.turns.count && !this.lists.of("waiting").size) this.totals.rest();
    this.fill();
  }

  protected move(upload: QueuedUpload, to: State): void {
    const left = upload.plan.size - upload.sent;
    if (COUNTED.includes(upload.state) && this.lists.of(upload.state).has(upload)) this.totals.plan(-1, -left);
    this.lists.move(upload, to);
    if (COUNTED.includes(to)) this.totals.plan(1, left);
  }
}
