/** The points that are left, as the last answer said it. */
import type { Answer, Bucket, Cost } from "../api/http";
import { createValue } from "../value";

interface Seen {
  cost: Cost;
  /** When the answer came, in milliseconds. */
  at: number;
}

/** The cost of the last answer; null before the first one. */
export const lastCost = createValue<Seen | null>(null);

/** Remembers the cost of an answer. */
export function hearCost(answer: Answer, now = Date.now()): void {
  const cost = answer.extensions?.cost;
  if (cost) lastCost.set({ cost, at: now });
}

/** The points of a bucket after a time in which nothing was taken. */
export function refilled({ currentlyAvailable, maximumAvailable, restoreRate }: Bucket, seconds: number): number {
  return Math.min(maximumAvailable, currentlyAvailable + restoreRate * seconds);
}

/**
 * Whether the page should not spend points by itself: a quarter of the budget is for what people run, and so is what
 * the page's own operation reserves.
 */
export function isLow(reserve: number, now = Date.now()): boolean {
  const seen = lastCost.get();
  const bucket = seen?.cost.throttleStatus;
  if (!seen || !bucket) return false;
  return refilled(bucket, (now - seen.at) / 1000) < bucket.maximumAvailable / 4 + reserve;
}
