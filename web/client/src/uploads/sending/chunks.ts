/** Sends one chunk, and finds out what an answer means. */
import { problemOf, type HttpAnswer } from "../../answers";
import { CloudKeepError } from "../../errors";
import { contentDigest, toHex } from "./digests";
import type { Slot } from "../operations";
import type { Report } from "./reports";
import type { Put } from "./transfer";

/** S3's answers to a body that stopped, and to a URL that was signed by keys that have expired. */
const S3_CODES: [string, string][] = [
  ["<Code>RequestTimeout</Code>", "BODY_STALLED"],
  ["<Code>ExpiredToken</Code>", "URL_EXPIRED"],
];
/** An ETag that no chunk has. */
const NO_ETAG = "-";

export interface ChunkSender {
  source: Blob;
  /** Where CloudKeep is, in front of the path of a slot. */
  origin: string;
  put: Put;
  signal: AbortSignal;
  /** Null if chunks are sent without a digest. */
  digest: ((chunk: Blob) => Promise<Uint8Array>) | null;
  /** Only for uploads that are `direct`. */
  report: Report | null;
  onSent: (index: number, bytes: number) => void;
}

/** Send the bytes of a slot. Throws a {@link CloudKeepError}. */
export async function sendChunk(sender: ChunkSender, slot: Slot): Promise<void> {
  const body = sender.source.slice(slot.offset, slot.offset + slot.size);
  const digest = sender.digest ? await read(() => sender.digest?.(body)) : null;
  const { signal } = sender;
  const answer = await sender
    .put({
      url: sender.report ? slot.url : here(slot.url, sender.origin),
      headers: digest && !sender.report ? contentDigest(digest) : {},
      body,
      signal,
      onSent: (bytes) => sender.onSent(slot.index, Math.min(bytes, slot.size)),
    })
    .catch(async (error: unknown) => {
      signal.throwIfAborted();
      await read(() => body.slice(0, 1).arrayBuffer());
      throw error;
    });
  if (sender.report && digest) await reportChunk(sender.report, slot, answer, toHex(digest));
  else requireReceipt(answer);
}

async function reportChunk(report: Report, slot: Slot, answer: HttpAnswer, sha256: string): Promise<void> {
  if (answer.status === 404) {
    // S3 has deleted the upload. A report makes the server notice that.
    await report({ index: slot.index, etag: NO_ETAG, sha256 });
    throw new CloudKeepError("UPLOAD_CLOSED", "The store no longer knows this upload.");
  }
  const [, code] = S3_CODES.find(([mark]) => answer.text.includes(mark)) ?? [];
  if (code) throw new CloudKeepError(code, "The store refused the chunk.");
  requireReceipt(answer);
  await report({ index: slot.index, etag: answer.header("ETag") ?? "", sha256 });
}

function requireReceipt(answer: HttpAnswer): void {
  if (answer.status >= 200 && answer.status < 300) return;
  const problem = problemOf(answer);
  // S3 has no codes of ours.
  if (answer.status === 403 && problem.code === "REFUSED") throw new CloudKeepError("URL_EXPIRED", problem.message);
  throw problem;
}

/** Read the file. Browsers refuse that once it was changed or deleted. */
async function read<Content>(content: () => Promise<Content> | undefined): Promise<Content | undefined> {
  try {
    return await content();
  } catch (cause) {
    throw new CloudKeepError("FILE_CHANGED", "The file was changed while it was being sent.", { cause });
  }
}

/** The same path on the client's own origin: the server may be reached by several names. */
function here(url: string, origin: string): string {
  const { pathname, search } = new URL(url);
  return origin + pathname + search;
}
