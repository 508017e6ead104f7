/**
 * The feed of everything that happens in the account. All tabs of a browser share one subscription: the tab that holds
 * a lock has it, and passes its events on. When that tab is closed, another one goes on after the last event it knows.
 */
import type { ActivitySubscription } from "../api/generated/graphql";

export type ActivityEvent = ActivitySubscription["activity"];

export interface FeedOptions {
  /** Where events and the lock belong: tabs of other accounts have others. */
  accountId: string;
  /** The cursor of the newest change. */
  newestCursor(signal: AbortSignal): Promise<string>;
  /** The events after a cursor. The function is asked again when the connection was lost. */
  subscribe(after: () => string, signal: AbortSignal): AsyncIterable<ActivityEvent>;
  onEvent(event: ActivityEvent): void;
  /** Called when no change can be missed from now on. What was loaded before may be older. */
  onCursor(): void;
  /** Called when changes may have been missed, and everything has to be loaded again. */
  onGap(): void;
  /** Called when following has failed. It begins again after a while. */
  onFailure(error: unknown): void;
  /** Whether the subscription ended because its cursor is too old. */
  isExpired(error: unknown): boolean;
}

/** What the tab that follows says to the others when changes may have been missed. */
const GAP = "gap";
/** Milliseconds after which a subscription that ended without an event is started again. */
const EMPTY_DELAY = 1_000;
/** Milliseconds between attempts after failures: the first and the longest. */
const DELAYS = { first: 1_000, longest: 60_000 };

/** Follow the feed until `signal` aborts, whatever fails: a page that nobody touches is never left behind. */
export async function keepFollowing(options: FeedOptions, signal: AbortSignal): Promise<void> {
  for (let delay = DELAYS.first; !signal.aborted; delay = Math.min(2 * delay, DELAYS.longest)) {
    const began = Date.now();
    try {
      await follow(options, signal);
    } catch (error) {
      if (!signal.aborted) options.onFailure(error);
    }
    if (Date.now() - began > DELAYS.longest) delay = DELAYS.first;
    await waited(delay, signal);
  }
}

/** Follow the feed until `signal` aborts. Throws when the subscription fails for good. */
export async function follow(options: FeedOptions, signal: AbortSignal): Promise<void> {
  const name = `cloudkeep.activity.${options.accountId}`;
  const channel = new BroadcastChannel(name);
  // Events may come from another tab while this one asks for its cursor. To apply them twice changes nothing.
  let cursor = "";
  const take = (event: ActivityEvent) => {
    cursor = event.cursor;
    options.onEvent(event);
  };
  channel.onmessage = ({ data }: MessageEvent<ActivityEvent | typeof GAP>) => {
    if (data === GAP) options.onGap();
    else take(data);
  };
  try {
    const newest = await options.newestCursor(signal);
    cursor ||= newest;
    options.onCursor();
    await withLock(name, signal, () =>
      lead(
        options,
        signal,
        () => cursor,
        (event) => {
          take(event);
          channel.postMessage(event);
        },
        (newer) => {
          cursor = newer;
          options.onGap();
          channel.postMessage(GAP);
        },
      ),
    );
  } finally {
    channel.close();
  }
}

async function lead(
  options: FeedOptions,
  signal: AbortSignal,
  after: () => string,
  take: (event: ActivityEvent) => void,
  startAgainAt: (cursor: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    const cursor = after();
    try {
      for await (const event of options.subscribe(after, signal)) take(event);
      if (after() === cursor) await waited(EMPTY_DELAY, signal);
    } catch (error) {
      if (!options.isExpired(error)) throw error;
      startAgainAt(await options.newestCursor(signal));
    }
  }
}

function waited(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Run `work` while this tab has the lock. Browsers have no locks on pages without HTTPS: there, each tab works. */
async function withLock(name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  if ("locks" in navigator) await navigator.locks.request(name, { signal }, work);
  else await work();
}
