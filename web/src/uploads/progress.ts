/** The server's progress with an upload, from the feed that all tabs share. */
import type { ServerProgress } from "@cloudkeep/client";

import { drive } from "../drive/drive.svelte";

/** Milliseconds without an event after which the client looks by itself: the feed may be away. */
const SILENCE = 5_000;

/** The progress of an upload until `signal` aborts, or nothing has come for a while. */
export async function* progressOf(uploadId: string, signal: AbortSignal): AsyncGenerator<ServerProgress> {
  const events: ServerProgress[] = [];
  let wake = () => {};
  const stop = drive.onUpload((event) => {
    if (event.upload.id !== uploadId) return;
    events.push(event);
    wake();
  });
  try {
    while (!signal.aborted) {
      const event = events.shift();
      if (event) yield event;
      else if (!(await waits((resolve) => (wake = resolve), signal))) return;
    }
  } finally {
    stop();
  }
}

/** Whether `listen` was called back in time. */
function waits(listen: (wake: () => void) => void, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), SILENCE);
    const end = (heard: boolean) => {
      clearTimeout(timer);
      resolve(heard);
    };
    listen(() => end(true));
    signal.addEventListener("abort", () => end(false), { once: true });
  });
}
