import { afterEach, expect, test, vi } from "vitest";

import { follow, keepFollowing, type ActivityEvent, type FeedOptions } from "./feed";

let following: AbortController;
afterEach(() => following.abort());

function event(cursor: string): ActivityEvent {
  return { __typename: "Heartbeat", cursor };
}

/** Follow a feed whose subscriptions bring these events, one list after another; the last one stays open. */
function followed(subscriptions: (ActivityEvent[] | Error)[], more: Partial<FeedOptions> = {}) {
  const seen: string[] = [];
  const asked: string[] = [];
  const gaps: string[] = [];
  let newest = 0;
  following = new AbortController();
  async function* subscribe(after: () => string, signal: AbortSignal): AsyncGenerator<ActivityEvent> {
    asked.push(after());
    const events = subscriptions.shift();
    if (events instanceof Error) throw events;
    yield* events ?? [];
    if (!subscriptions.length) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  const options: FeedOptions = {
    accountId: crypto.randomUUID(),
    newestCursor: () => Promise.resolve(`newest ${++newest}`),
    subscribe,
    onEvent: ({ cursor }) => void seen.push(cursor),
    onCursor: () => {},
    onGap: () => void gaps.push("gap"),
    onFailure: () => {},
    isExpired: (error) => error instanceof Error && error.message === "expired",
    ...more,
  };
  return { seen, asked, gaps, done: follow(options, following.signal) };
}

function optionsOf(newestCursor: () => Promise<string>): FeedOptions {
  return {
    accountId: crypto.randomUUID(),
    newestCursor,

    async *subscribe(_, signal) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
    onEvent() {},
    onCursor() {},
    onGap() {},
    onFailure() {},
    isExpired: () => false,
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

test("begins at the newest change, and goes on after the last event", async () => {
  const { seen, asked } = followed([[event("1"), event("2")], [event("3")]]);
  await turn();
  expect(seen).toEqual(["1", "2", "3"]);
  expect(asked).toEqual(["newest 1", "2"]);
});

test("loads everything again when its cursor is too old", async () => {
  const { asked, gaps } = followed([new Error("expired"), []]);
  await turn();
  expect(gaps).toEqual(["gap"]);
  expect(asked).toEqual(["newest 1", "newest 2"]);
});

test("fails when the subscription fails for good", async () => {
  await expect(followed([new Error("broken")]).done).rejects.toThrow("broken");
});

test("is followed again after a failure, and says when nothing can be missed any more", async () => {
  const cursors: string[] = [];
  const failures = [new Error("away")];
  const options = optionsOf(() => {
    const failure = failures.pop();
    return failure ? Promise.reject(failure) : Promise.resolve("newest");
  });
  following = new AbortController();
  void keepFollowing({ ...options, onCursor: () => cursors.push("cursor") }, following.signal);
  await vi.waitFor(() => expect(cursors).toEqual(["cursor"]), 5_000);
});

test("tells other tabs when changes may have been missed", async () => {
  const accountId = crypto.randomUUID();
  const other = new BroadcastChannel(`cloudkeep.activity.${accountId}`);
  const heard: unknown[] = [];
  other.onmessage = ({ data }) => heard.push(data);
  followed([new Error("expired"), []], { accountId });
  await turn();
  other.close();
  expect(heard).toContain("gap");
});

test("takes events of another tab, and begins after them", async () => {
  const accountId = crypto.randomUUID();
  const other = new BroadcastChannel(`cloudkeep.activity.${accountId}`);
  const newest = Promise.withResolvers<string>();
  const { seen, asked } = followed([[]], { accountId, newestCursor: () => newest.promise });
  other.postMessage(event("9"));
  await turn();
  newest.resolve("newest");
  await turn();
  other.close();
  expect(seen).toEqual(["9"]);
  expect(asked).toEqual(["9"]);
});
