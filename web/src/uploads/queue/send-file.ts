/** What is done for one upload, while it has its turn. */
import type { Progress, ServerProgress, UploadOptions } from "@cloudkeep/client";

import type { Outcome, QueuedUpload } from "./queued-upload.svelte";
import type { Services } from "./dependencies";

/**
 * Chunks of a file that are sent at the same time. A browser opens six connections to a server without HTTP/2, and some
 * have to be left for everything else.
 */
const PARALLEL = { alone: 3, besideOthers: 1 };

/** Where a file goes, and what is made of it. */
export function placeOf({ plan: { parentId, relativePath, compress, replaces } }: QueuedUpload): UploadOptions {
  const place = { parentId, relativePath, compress };
  return replaces ? { ...place, name: replaces.name, conflict: "REPLACE" } : place;
}

interface Listeners {
  onStarted: () => void;
  onProgress: (progress: Progress) => void;
}

/** Send the file of an upload, `isAlone` or beside others. Returns null if there is none. */
export async function sendFile(
  { send, feed }: Services,
  upload: QueuedUpload,
  isAlone: boolean,
  { onStarted, onProgress }: Listeners,
): Promise<Outcome | null> {
  if (!upload.file) return null;
  upload.upload = send(upload.file, {
    ...placeOf(upload),
    parallel: isAlone ? PARALLEL.alone : PARALLEL.besideOthers,
    signal: upload.stop.signal,
    feed,
    onStarted({ id }) {
      upload.uploadId = id;
      onStarted();
    },
    onProgress,
  });
  // Somebody may have paused it while another tab had the file.
  if (upload.state === "paused") upload.upload.pause();
  return upload.upload.done;
}

/** Follow an upload that has all its bytes until it is READY. Returns null if the server needs the file once more. */
export async function followUpload(
  { look, feed }: Services,
  upload: QueuedUpload,
  uploadId: string,
): Promise<Outcome | null> {
  const { signal } = upload.stop;
  for (;;) {
    const known = await look(uploadId, signal);
    if (known?.status === "READY") return known;
    if (known?.status !== "REASSEMBLING" && known?.status !== "COMPRESSING") return null;
    for await (const progress of feed(uploadId, signal)) {
      upload.progress = progressWithoutFile(progress, upload.plan.size);
      if (progress.stage !== "REASSEMBLING" && progress.stage !== "COMPRESSING") break;
    }
    signal.throwIfAborted();
  }
}

function progressWithoutFile({ stage, percent, ...rest }: ServerProgress, size: number): Progress {
  const { speed = null, etaSeconds: eta = null, waitsFor = null } = rest;
  return { stage, percent, sent: size, size, speed, eta, waitsFor, retryAfter: null };
}
