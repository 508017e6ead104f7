/** Waits, and how long they are. */

const FIRST_DELAY = 0.5;
const LONGEST_DELAY = 30;
/** No single wait is longer than this: a clock may have been wrong. */
const LONGEST_WAIT = 300;

/** Why the client waits before it goes on by itself, and for how many seconds. */
export interface Wait {
  code: string;
  retryAfter: number;
}

/** Wait for some seconds, or with `orOnline` until the browser says that it is online again. */
export async function delay(seconds: number, signal?: AbortSignal, orOnline = false): Promise<void> {
  signal?.throwIfAborted();
  const events = new AbortController();
  const once = { once: true, signal: events.signal };
  await new Promise<void>((resolve) => {
    const end = () => resolve();
    const timer = setTimeout(end, seconds * 1000);
    events.signal.addEventListener("abort", () => clearTimeout(timer));
    signal?.addEventListener("abort", end, once);
    // Node has no such event.
    if (orOnline && "addEventListener" in globalThis) globalThis.addEventListener("online", end, once);
  });
  events.abort();
  signal?.throwIfAborted();
}

/** Seconds after so many failures in a row. They differ, so that clients do not all return at the same time. */
export function backoff(failures: number): number {
  return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
}

/** Seconds for which the server asks, and a little more. */
export function asked(retryAfter: number): number {
  return Math.min(Math.max(retryAfter, 0.05), LONGEST_WAIT) * (1 + Math.random() / 10);
}
