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
  /** Called when changes may have been missed, and everything has to be loaded again. */
  onGap(): void;
  /** Whether the subscription ended because its cursor is too old. */
  isExpired(error: unknown): boolean;
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
  channel.onmessage = ({ data }: MessageEvent<ActivityEvent>) => take(data);
  try {
    const newest = await options.newestCursor(signal);
    cursor ||= newest;
    await withLock(name, signal, () =>
      lead(
        options,
        signal,
        () => cursor,
        (event) => {
          take(event);
          channel.postMessage(event);
        },
        (newer) => (cursor = newer),
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
  startAt: (cursor: string) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of options.subscribe(after, signal)) take(event);
    } catch (error) {
      if (!options.isExpired(error)) throw error;
      startAt(await options.newestCursor(signal));
      options.onGap();
    }
  }
}

/** Run `work` while this tab has the lock. Browsers have no locks on pages without HTTPS: there, each tab works. */
async function withLock(name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  if ("locks" in navigator) await navigator.locks.request(name, { signal }, work);
  else await work();
}
