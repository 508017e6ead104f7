/** Proves that an upload that goes on is of the same file: one chunk that the server has is sent once more. */
import type { Request, RequestOptions } from "../../requests";
import { OUTER_SLOTS } from "../operations";
import { queued, type QueuedSlot, type SlotQueue } from "./slots";

/**
 * The queue of that chunk: the smaller one of the first and the last, if the server has them.
 *
 * A slot that has other bytes is refused with SLOT_CONFLICT.
 */
export class ReceivedSlot implements SlotQueue {
  #isTaken = false;
  #notBefore = 0;

  constructor(
    private readonly request: Request,
    private readonly uploadId: string,
    private readonly options: RequestOptions,
  ) {}

  async take(): Promise<QueuedSlot | null> {
    if (this.wait !== 0) return null;
    this.#isTaken = true;
    const { upload } = await this.request(OUTER_SLOTS, { id: this.uploadId }, this.options);
    const slots = [...(upload?.last.nodes ?? []), ...(upload?.first.nodes ?? [])];
    const slot = slots.find(({ received }) => received);
    return slot ? queued(slot, null) : null;
  }

  get wait(): number | null {
    return this.#isTaken ? null : Math.max(0, this.#notBefore - performance.now());
  }

  putBack(_: QueuedSlot, seconds = 0): void {
    this.#isTaken = false;
    this.#notBefore = performance.now() + seconds * 1000;
  }
}
