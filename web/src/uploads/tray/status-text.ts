/** What the tray says about an upload. */
import { CloudKeepError, hasCode, type Progress } from "@cloudkeep/client";

import { formatSize } from "../../format/size";
import { formatWait } from "../../format/time";
import { messageOf } from "../../text/errors";
import { UPLOADS } from "../../text/uploads";
import type { QueuedUpload } from "../queue/queued-upload.svelte";

type Told = Pick<
  QueuedUpload,
  "state" | "progress" | "waitsUntil" | "error" | "outcome" | "isCancelling" | "handle" | "hasMissed"
>;

/** A line about an upload. `now` is the time in milliseconds. */
export function wordsOf(upload: Told, now: number): string {
  if (upload.isCancelling) return UPLOADS.cancelling;
  switch (upload.state) {
    case "waiting":
      return UPLOADS.waiting;
    case "paused":
      return UPLOADS.wait("PAUSED");
    case "elsewhere":
      return UPLOADS.elsewhere;
    case "interrupted":
      return upload.handle ? UPLOADS.interruptedHandle : UPLOADS.interrupted;
    case "cancelled":
      return UPLOADS.stage("ABORTED");
    case "failed":
      return errorWords(upload.error);
    case "done":
      return doneWords(upload);
    case "running":
      return upload.progress ? progressWords(upload.progress, upload.waitsUntil, now) : UPLOADS.waiting;
  }
}

export function errorWords(error: unknown): string {
  return (error instanceof CloudKeepError ? UPLOADS.error(error.code) : null) ?? messageOf(error);
}

/** Whether only the file as it is now can help. */
export function needsFile(error: unknown): boolean {
  return hasCode(error, "FILE_CHANGED");
}

function doneWords({ outcome, hasMissed }: Told): string {
  if (hasMissed) return UPLOADS.anotherFile;
  if (!outcome?.error) return UPLOADS.stage("READY");
  return outcome.error.code === "NOT_A_VIDEO" ? UPLOADS.notAVideo : UPLOADS.noSmallerCopy;
}

function progressWords(progress: Progress, waitsUntil: number | null, now: number): string {
  const { stage, percent, waitsFor, speed, eta } = progress;
  if (waitsFor) {
    const words = UPLOADS.wait(waitsFor);
    return waitsUntil === null ? words : UPLOADS.inTime(words, formatWait((waitsUntil - now) / 1000));
  }
  if (stage === "READY") return UPLOADS.stage(stage);
  const parts = [UPLOADS.stage(stage), UPLOADS.percent(percent)];
  if (stage === "RECEIVING" && speed) parts.push(UPLOADS.perSecond(formatSize(speed)));
  if (eta !== null) parts.push(UPLOADS.left(formatWait(eta)));
  return parts.join(" · ");
}
