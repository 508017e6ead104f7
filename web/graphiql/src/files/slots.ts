/** Fills the slots of an upload with the bytes of its file. */
import { type Headers, post } from "../api/http";
import { put } from "./put";

/** Slots that are sent at the same time. */
const MAX_CONCURRENT = 3;
const MISSING = `query MissingSlots($id: ID!) {
  upload(id: $id) { slots(first: 100, missing: true) { nodes { index offset size received url } } }
}`;

/** What the answer to `initUpload` tells about one chunk. */
export interface Slot {
  index: number;
  offset: number;
  size: number;
  received: boolean;
  url: string;
}

export interface Sending {
  uploadId: string;
  file: File;
  /** The slots that are known; the others are asked for. */
  slots: Slot[];
  headers: Headers;
  /** Hears how many bytes of the file have been sent. */
  onProgress: (bytes: number) => void;
  signal: AbortSignal;
}

/** Sends everything that the server does not have. Rejects with the reason if that is not possible. */
export async function fillSlots(sending: Sending): Promise<void> {
  const { file, onProgress } = sending;
  const progress = new Map<number, number>();
  const note = (slot: Slot, bytes: number): void => {
    progress.set(slot.index, bytes);
    onProgress([...progress.values()].reduce((sum, one) => sum + one, 0));
  };
  let slots = sending.slots.filter((slot) => !slot.received);
  while (slots.length) {
    await eachOf(slots, async (slot) => {
      const bytes = file.slice(slot.offset, slot.offset + slot.size);
      await put(slot.url, bytes, { signal: sending.signal, onProgress: (sent) => note(slot, sent) });
      note(slot, slot.size);
    });
    slots = await missingSlots(sending);
  }
}

/** The first slots whose chunk has not arrived, with new URLs. */
export async function missingSlots({ uploadId, headers, signal }: Omit<Sending, "slots">): Promise<Slot[]> {
  const answer = await post<{ upload: { slots: { nodes: Slot[] } } | null }>(
    { query: MISSING, variables: { id: uploadId } },
    headers,
    signal,
  );
  if (!answer.data) throw new Error(answer.errors?.[0]?.message);
  return answer.data.upload?.slots.nodes ?? [];
}

/** Runs a task for each slot, a few at a time. After a failure no other task begins. */
async function eachOf(slots: Slot[], task: (slot: Slot) => Promise<void>): Promise<void> {
  const rest = slots.values();
  let failed = false;
  const work = async (): Promise<void> => {
    for (const slot of rest) {
      if (failed) return;
      await task(slot);
    }
  };
  await Promise.all(
    Array.from({ length: MAX_CONCURRENT }, () =>
      work().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    ),
  );
}
