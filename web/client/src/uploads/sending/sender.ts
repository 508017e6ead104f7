/** Sends the missing chunks of one upload, several at the same time. */
import { CloudKeepError, hasCode } from "../../errors";
import { asked, backoff, delay } from "../../waiting";
import { sendChunk, type ChunkSender } from "./chunks";
import type { Meter } from "../meter";
import type { QueuedSlot, SlotQueue } from "./slots";
import type { Width } from "./width";

/** How often in a row the URL of a slot is renewed, or a chunk sent again that was damaged, or that failed. */
const MAX_REFUSALS = 6;
/** Seconds until a full disk is asked again, at least. */
const FULL_DISK_SECONDS = 5;

/** Sends what is missing. A `sender.signal` that aborts ends it at once. */
export class Sender {
  #pausedUntil = 0;
  #failures = 0;
  #sent = 0;
  #isClosed = false;
  #stop = new AbortController();
  #error: unknown;

  constructor(
    private readonly chunks: ChunkSender,
    private readonly meter: Pick<Meter, "settle" | "wait">,
    private readonly width: Width,
  ) {}

  /**
   * Return how many chunks were sent, when no slot is left or the upload accepts no more. Throws a
   * {@link CloudKeepError}.
   */
  async send(slots: SlotQueue): Promise<number> {
    const signal = AbortSignal.any([this.chunks.signal, this.#stop.signal]);
    const underWay = new Set<Promise<void>>();
    try {
      while (!this.#isClosed) {
        const pause = this.#pausedUntil - performance.now();
        if (pause > 0) await delay(pause / 1000, signal, true);
        signal.throwIfAborted();
        const slot = underWay.size < this.width.value ? await slots.take() : null;
        if (slot) {
          const task: Promise<void> = this.#try(slots, slot, signal).finally(() => underWay.delete(task));
          underWay.add(task);
        } else if (underWay.size) {
          await Promise.race(underWay);
        } else if (slots.wait === null) {
          break;
        } else {
          await delay(slots.wait / 1000, signal);
        }
      }
    } catch (error) {
      throw this.#error ?? error;
    } finally {
      this.#stop.abort();
      await Promise.all(underWay);
    }
    return this.#sent;
  }

  async #try(slots: SlotQueue, slot: QueuedSlot, signal: AbortSignal): Promise<void> {
    try {
      await sendChunk({ ...this.chunks, signal }, slot);
      this.#failures = 0;
      this.#sent++;
      this.width.arrived(slot.size, performance.now());
      this.meter.settle(slot.index, slot.size);
    } catch (error) {
      this.meter.settle(slot.index, 0);
      if (!signal.aborted) this.#failed(slots, slot, error);
    }
  }

  #failed(slots: SlotQueue, slot: QueuedSlot, error: unknown): void {
    try {
      this.#again(slots, slot, error);
    } catch (fatal) {
      this.#error = fatal;
      this.#stop.abort();
    }
  }

  /** Put a slot back into the queue, and pause if that concerns all of them. Throws the error if it is final. */
  #again(slots: SlotQueue, slot: QueuedSlot, error: unknown): void {
    if (!(error instanceof CloudKeepError)) throw error;
    if (hasCode(error, "UPLOAD_CLOSED")) {
      this.#isClosed = true;
    } else if (hasCode(error, "SLOT_BUSY", "SLOT_TAKEN_OVER")) {
      slots.putBack(slot, asked(error.retryAfter ?? 1), true);
    } else if (hasCode(error, "RATE_LIMITED", "TOO_MANY_CONNECTIONS")) {
      if (error.retryAfter === null) throw error;
      this.#pause(error, asked(error.retryAfter));
      slots.putBack(slot);
    } else if (hasCode(error, "STORAGE_FULL")) {
      this.#pause(error, asked(Math.max(error.retryAfter ?? 0, FULL_DISK_SECONDS)));
      slots.putBack(slot);
    } else if (isAway(error)) {
      this.#pause(error, Math.max(backoff(this.#failures + 1), error.retryAfter ?? 0));
      // An answer may have been lost after the chunk was stored.
      slots.putBack(slot, 0, true);
    } else if (slot.refusals++ < MAX_REFUSALS && hasCode(error, "URL_EXPIRED", "URL_INVALID")) {
      slots.putBack(slot, 0, true);
    } else if (slot.refusals <= MAX_REFUSALS && hasCode(error, "CHECKSUM_MISMATCH", "INTERNAL")) {
      slots.putBack(slot, backoff(slot.refusals));
    } else {
      throw hasCode(error, "CHUNK_SIZE_MISMATCH") ? changed(error) : error;
    }
  }

  /** Chunks that fail together are one failure. */
  #pause(error: CloudKeepError, seconds: number): void {
    const now = performance.now();
    if (now >= this.#pausedUntil) this.#failures++;
    this.#pausedUntil = Math.max(this.#pausedUntil, now + seconds * 1000);
    this.width.failed(now);
    this.meter.wait(error.code, seconds);
  }
}

/** Whether the server, or the way to it, is away for now. */
function isAway(error: CloudKeepError): boolean {
  return hasCode(
    error,
    "NETWORK",
    "NOT_READY",
    "STORAGE_UNAVAILABLE",
    "TEMPORARILY_UNAVAILABLE",
    "BODY_INCOMPLETE",
    "BODY_STALLED",
  );
}

const changed = (cause: unknown) =>
  new CloudKeepError("FILE_CHANGED", "The file was changed while it was being sent.", { cause });
