import { afterEach, beforeEach, expect, test, vi } from "vitest";

const stored = new Map<string, string>();

beforeEach(() => {
  vi.stubGlobal("sessionStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
});

afterEach(() => {
  stored.clear();
  vi.unstubAllGlobals();
});

const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();

async function opened() {
  const { WaitingCode } = await import("./waiting-code.svelte");
  return new WaitingCode("test");
}

test("a reload goes on with what waits for its code", async () => {
  const waiting = { id: "registration_1", email: "ada@example.org", expiresAt: inMinutes(10) };
  (await opened()).keep(waiting);
  expect((await opened()).current).toEqual(waiting);
  (await opened()).forget();
  expect((await opened()).current).toBeNull();
});

test("what has expired is over", async () => {
  (await opened()).keep({ id: "registration_1", email: "ada@example.org", expiresAt: inMinutes(-1) });
  expect((await opened()).current).toBeNull();
});

test.each(["", "null", "[]", "7", '{"id":"registration_1"}', '{"id":"a","email":"b","expiresAt":"never"}'])(
  "%j is nothing that waits",
  async (text) => {
    stored.set("test", text);
    expect((await opened()).current).toBeNull();
  },
);
