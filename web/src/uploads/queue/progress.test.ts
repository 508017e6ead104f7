import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ProgressFeed } from "./progress";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const event = (id: string, percent: number) => ({ stage: "REASSEMBLING" as const, percent, upload: { id } });
const never = new AbortController().signal;

test("the progress of one upload comes, also if it came before somebody asked", async () => {
  const feed = new ProgressFeed();
  feed.take(event("a", 10));
  const progress = feed.of("a", never);
  expect((await progress.next()).value).toMatchObject({ percent: 10 });
  const next = progress.next();
  feed.take(event("b", 20));
  feed.take(event("a", 30));
  expect((await next).value).toMatchObject({ percent: 30 });
});

test("a silent feed ends, so that the client looks by itself, and less and less often", async () => {
  const feed = new ProgressFeed();
  for (const silence of [5_000, 10_000]) {
    const next = feed.of("a", never).next();
    await vi.advanceTimersByTimeAsync(silence - 1);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await next).done).toBe(true);
  }
});

test("an abort ends it", async () => {
  const ending = new AbortController();
  const next = new ProgressFeed().of("a", ending.signal).next();
  ending.abort();
  expect((await next).done).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});
