/** The title of the tray. */
import { formatSize } from "../../format/size";
import { formatWait } from "../../format/time";
import { UPLOADS } from "../../text/uploads";
import type { Rate } from "../queue/totals.svelte";

export interface Counts {
  open: number;
  done: number;
  failed: number;
  interrupted: number;
  isPaused: boolean;
}

export function titleOf({ open, done, failed, interrupted, isPaused }: Counts): string {
  const all = open + done + failed;
  const parts: string[] = [];
  if (open > 0) parts.push((isPaused ? UPLOADS.paused : UPLOADS.uploading)(done + failed + 1, all));
  else if (done > 0) parts.push(UPLOADS.finished(done));
  if (failed > 0) parts.push(UPLOADS.failed(failed));
  if (interrupted > 0) parts.push(UPLOADS.interruptedCount(interrupted));
  return parts.join(" · ") || UPLOADS.nothing;
}

export function rateWords(rate: Rate | null): string | null {
  if (!rate) return null;
  return `${UPLOADS.perSecond(formatSize(rate.speed))} · ${UPLOADS.left(formatWait(rate.eta))}`;
}
