/**
 * What the page knows of its connection to the server. One tab has the WebSocket of all (drive/feed.ts), so it tells the
 * others how that is.
 */
import type { Connection as SocketState, Wait } from "@cloudkeep/client";

import { COMMON } from "../text/common";

/** `late`: the server answers, but tells of no changes. `away`: it does not answer. */
type Reach = "live" | "late" | "away";

/** A wait after which the client goes on by itself. */
export interface Pause {
  code: string;
  /** The time at which it ends, in milliseconds of `Date.now()`. */
  until: number;
}

/** Milliseconds that the server may take to say that it is there. */
const PATIENCE_MS = 10_000;
/** Seconds of a wait that nobody has to be told of. */
const UNNOTICED = 1;

export class Connection {
  pause = $state.raw<Pause | null>(null);
  /** Whether the browser says that it has no network. */
  isOffline = $state(false);
  #reach = $state.raw<Reach>("live");
  #channel: BroadcastChannel | null = null;

  get reach(): Reach {
    return this.#reach;
  }

  /** Why nothing can be changed now; null if it can. */
  get obstacle(): string | null {
    if (this.isOffline) return COMMON.needsNetwork;
    return this.#reach === "away" ? COMMON.needsServer : null;
  }

  /** Listen to the browser and to other tabs. Returns a function that stops it. */
  start(): () => void {
    const events = new AbortController();
    const look = () => (this.isOffline = !navigator.onLine);
    for (const name of ["online", "offline"]) addEventListener(name, look, { signal: events.signal });
    look();
    const channel = (this.#channel = new BroadcastChannel("cloudkeep.connection"));
    channel.onmessage = ({ data }: MessageEvent<Reach>) => (this.#reach = data);
    return () => {
      events.abort();
      channel.close();
      this.#channel = null;
    };
  }

  /** Tell that a request waits. Of several waits, the longest is shown. */
  waits({ code, retryAfter }: Wait): void {
    if (retryAfter < UNNOTICED) return;
    const pause = { code, until: Date.now() + retryAfter * 1000 };
    if (this.pause && this.pause.until >= pause.until) return;
    this.pause = pause;
    setTimeout(() => {
      if (this.pause === pause) this.pause = null;
    }, retryAfter * 1000);
  }

  /** Tell how the WebSocket of this tab is. It is tried again by itself for as long as it takes. */
  async socketIs(state: SocketState): Promise<void> {
    if (state === "connected") this.#reaches("live");
    // A proxy may let everything pass but WebSockets.
    else if (state === "offline") this.#reaches((await doesAnswer()) ? "late" : "away");
  }

  /** Tell whether this tab hears of changes. */
  hears(changes: boolean): void {
    if (changes) this.#reaches("live");
    else if (this.#reach === "live") this.#reaches("late");
  }

  #reaches(reach: Reach): void {
    if (this.#reach === reach) return;
    this.#reach = reach;
    this.#channel?.postMessage(reach);
  }
}

async function doesAnswer(): Promise<boolean> {
  try {
    return (await fetch("/healthz", { signal: AbortSignal.timeout(PATIENCE_MS) })).ok;
  } catch {
    return false;
  }
}

export const connection = new Connection();
