import { afterEach, expect, test, vi } from "vitest";

import { COMMON } from "../text/common";
import { Connection } from "./connection.svelte";

afterEach(() => void vi.unstubAllGlobals());

function answering(status: number | null) {
  vi.stubGlobal("fetch", () =>
    status ? Promise.resolve(new Response(null, { status })) : Promise.reject(new Error()),
  );
}

test("a server that answers and takes no WebSockets only is late", async () => {
  const connection = new Connection();
  answering(200);
  await connection.socketIs("offline");
  expect([connection.reach, connection.obstacle]).toEqual(["late", null]);
});

test.each([502, null])("a server is away until the socket is open again, if its answer is %s", async (status) => {
  const connection = new Connection();
  answering(status);
  await connection.socketIs("waiting");
  expect(connection.reach).toBe("live");
  await connection.socketIs("offline");
  expect([connection.reach, connection.obstacle]).toEqual(["away", COMMON.needsServer]);
  await connection.socketIs("connected");
  expect([connection.reach, connection.obstacle]).toEqual(["live", null]);
});

test("a feed that has failed is late until it brings something", () => {
  const connection = new Connection();
  connection.hears(false);
  expect(connection.reach).toBe("late");
  connection.hears(true);
  expect(connection.reach).toBe("live");
});

test("the longest wait is shown, and a very short one is not", () => {
  const connection = new Connection();
  connection.waits({ code: "RATE_LIMITED", retryAfter: 0.5 });
  expect(connection.pause).toBeNull();
  connection.waits({ code: "NETWORK", retryAfter: 30 });
  connection.waits({ code: "RATE_LIMITED", retryAfter: 2 });
  expect(connection.pause?.code).toBe("NETWORK");
});

test("other tabs hear how the connection is", async () => {
  vi.stubGlobal("addEventListener", () => {});
  vi.stubGlobal("navigator", { onLine: true });
  const [one, other] = [new Connection(), new Connection()];
  const stops = [one.start(), other.start()];
  one.hears(false);
  await vi.waitFor(() => expect(other.reach).toBe("late"));
  for (const stop of stops) stop();
});
