/** What is done for small files that are sent together. */
import type { FileToUpload, Progress, Wait } from "@cloudkeep/client";

import type { Services } from "./dependencies";
import type { Outcome, QueuedUpload } from "./queued-upload.svelte";
import { placeOf } from "./send-file";

interface Listeners {
  /** The server knows them. */
  onStarted: () => void;
  onProgress: (upload: QueuedUpload, progress: Progress) => void;
}

/** Send the files of a group. Returns what has become of each; null for those that have to be sent by themselves. */
export async function sendGroup(
  services: Services,
  uploads: readonly QueuedUpload[],
  signal: AbortSignal,
  { onStarted, onProgress }: Listeners,
): Promise<Map<QueuedUpload, Outcome | null>> {
  const sent: QueuedUpload[] = [];
  const files: FileToUpload[] = [];
  for (const upload of uploads) {
    if (!upload.file) continue;
    sent.push(upload);
    files.push({ source: upload.file, options: placeOf(upload) });
  }
  const tell = (wait: Wait | null) => uploads.forEach((upload) => onProgress(upload, progressOf(upload, wait)));
  tell(null);
  const results = await services.sendGroup(files, {
    signal,
    onWait: tell,
    onStarted(ids) {
      for (const [position, upload] of sent.entries()) upload.uploadId = ids[position] ?? null;
      onStarted();
    },
  });
  return new Map(sent.map((upload, position) => [upload, results[position] ?? null]));
}

function progressOf({ plan: { size } }: QueuedUpload, wait: Wait | null): Progress {
  const unknown = { speed: null, eta: null };
  const waiting = { waitsFor: wait?.code ?? null, retryAfter: wait?.retryAfter ?? null };
  return { stage: "RECEIVING", percent: 0, sent: 0, size, ...unknown, ...waiting };
}
