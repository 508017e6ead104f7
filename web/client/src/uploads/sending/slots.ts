/** The missing slots of one upload, page by page just before they are needed, because their URLs expire. */
import { CloudKeepError } from "../../errors";
import type { RequestOptions, Request } from "../../requests";
import { MISSING_SLOTS, type Slot } from "../operations";

/** A slot in the queue. */
export interface QueuedSlot extends Slot {
  /** The cursor before its page. */
  page: string | null;
  /** It is not sent before this time. */
  notBefore: number;
  /** Whether to look at it again before it is sent: for a new URL, or because another sender may have filled it. */
  isStale: boolean;
  /** How often in a row it was refused. */
  refusals: number;
}

/** Slots to send. */
export interface SlotQueue {
  /** The next slot, or null if there is none now. */
  take: () => Promise<QueuedSlot | null>;
  /** Milliseconds until a slot can be taken; null if none is left. */
  readonly wait: number | null;
  /** Send this slot again, after some seconds; a stale one is looked at before. */
  putBack: (slot: QueuedSlot, seconds?: number, isStale?: boolean) => void;
}

export class MissingSlots implements SlotQueue {
  #queue: QueuedSlot[] = [];
  #nextPage: string | null = null;
  #isComplete = false;

  /** `onFilled` is called for a slot that another sender has filled. */
  constructor(
    private readonly request: Request,
    private readonly uploadId: string,
    private readonly options: RequestOptions,
    private readonly onFilled: (slot: Slot) => void,
  ) {}

  async take(): Promise<QueuedSlot | null> {
    for (;;) {
      const position = this.#queue.findIndex((slot) => slot.notBefore <= performance.now());
      const [slot] = position < 0 ? [] : this.#queue.splice(position, 1);
      if (!slot) {
        if (this.#isComplete) return null;
        await this.#loadNext();
      } else if (slot.isStale) {
        const renewed = await this.#renew(slot);
        if (renewed) return renewed;
        this.onFilled(slot);
      } else {
        return slot;
      }
    }
  }

  get wait(): number | null {
    if (!this.#queue.length) return null;
    return Math.max(0, Math.min(...this.#queue.map((slot) => slot.notBefore)) - performance.now());
  }

  putBack(slot: QueuedSlot, seconds = 0, isStale = false): void {
    slot.notBefore = performance.now() + seconds * 1000;
    slot.isStale = isStale;
    if (seconds) this.#queue.push(slot);
    else this.#queue.unshift(slot);
  }

  async #loadNext(): Promise<void> {
    const { slots, next } = await this.#load(this.#nextPage);
    this.#queue.push(...slots);
    this.#nextPage = next;
    this.#isComplete = next === null;
  }

  /** The slot with a new URL, or null if it is filled. So do the others of its page. */
  async #renew(slot: QueuedSlot): Promise<QueuedSlot | null> {
    const { slots } = await this.#load(slot.page);
    const urls = new Map(slots.map(({ index, url }) => [index, url]));
    for (const each of [slot, ...this.#queue].filter(({ page }) => page === slot.page)) {
      const url = urls.get(each.index);
      each.isStale = !url;
      each.url = url ?? each.url;
    }
    return slot.isStale ? null : slot;
  }

  async #load(after: string | null): Promise<{ slots: QueuedSlot[]; next: string | null }> {
    const { upload } = await this.request(MISSING_SLOTS, { id: this.uploadId, after }, this.options);
    if (!upload) throw new CloudKeepError("NOT_FOUND", "The server no longer knows this upload.");
    const { nodes, pageInfo } = upload.slots;
    const slots = nodes.map((slot) => queued(slot, after));
    return { slots, next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
  }
}

/** A slot that was not sent yet. */
export function queued(slot: Slot, page: string | null): QueuedSlot {
  return { ...slot, page, notBefore: 0, isStale: false, refusals: 0 };
}
