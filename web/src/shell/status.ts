/** What the strip above a page says about the connection. */
import type { Connection } from "../api/connection.svelte";
import { formatWait } from "../format/time";
import { COMMON } from "../text/common";

interface Status {
  text: string;
  /** How long it takes. Readers of the page do not hear it each second. */
  countDown?: string;
}

const CAUSES: Readonly<Record<string, string>> = {
  NETWORK: COMMON.noAnswer,
  NOT_READY: COMMON.starting,
  TEMPORARILY_UNAVAILABLE: COMMON.starting,
  SERVER_BUSY: COMMON.busy,
};

/** The most important thing to say; null if all is well. `now` is the time in milliseconds. */
export function statusOf(
  { isOffline, reach, pause }: Pick<Connection, "isOffline" | "reach" | "pause">,
  now: number,
): Status | null {
  if (isOffline) return { text: COMMON.offline };
  if (reach === "away") return { text: COMMON.away };
  if (pause) {
    const countDown = COMMON.goingOn(formatWait((pause.until - now) / 1000));
    return { text: CAUSES[pause.code] ?? COMMON.paused, countDown };
  }
  return reach === "late" ? { text: COMMON.late } : null;
}
