/** What the page knows of its connection to the server: waits that the server asked for, and whether it answers. */
import type { Wait } from "@cloudkeep/client";

/** A wait after which the client goes on by itself. */
export interface Pause {
  code: string;
  /** The time at which it ends, in milliseconds of `Date.now()`. */
  until: number;
}

class Connection {
  pause = $state.raw<Pause | null>(null);
  isOffline = $state(false);

  /** Tell that a request waits. Of several waits, the longest is shown. */
  waits({ code, retryAfter }: Wait): void {
    const pause = { code, until: Date.now() + retryAfter * 1000 };
    if (this.pause && this.pause.until >= pause.until) return;
    this.pause = pause;
    setTimeout(() => {
      if (this.pause === pause) this.pause = null;
    }, retryAfter * 1000);
  }
}

export const connection = new Connection();
