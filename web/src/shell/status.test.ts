import { expect, test } from "vitest";

import type { Connection } from "../api/connection.svelte";
import { COMMON } from "../text/common";
import { statusOf } from "./status";

type Known = Pick<Connection, "isOffline" | "reach" | "pause">;

const WELL: Known = { isOffline: false, reach: "live", pause: null };
const pausedBy = (code: string) => ({ pause: { code, until: 9_000 } });

test.each<[string, Partial<Known>, string | undefined]>([
  ["nothing if all is well", {}, undefined],
  ["that the browser is offline before anything else", { isOffline: true, reach: "away" }, COMMON.offline],
  ["that the server is away before how long a wait is", { reach: "away", ...pausedBy("NETWORK") }, COMMON.away],
  ["a wait before late changes", { reach: "late", ...pausedBy("RATE_LIMITED") }, COMMON.paused],
  ["that changes come late", { reach: "late" }, COMMON.late],
  ["why it waits: no answer", pausedBy("NETWORK"), COMMON.noAnswer],
  ["why it waits: a server that starts", pausedBy("NOT_READY"), COMMON.starting],
  ["why it waits: a busy server", pausedBy("SERVER_BUSY"), COMMON.busy],
])("says %s", (_, known, text) => {
  expect(statusOf({ ...WELL, ...known }, 0)?.text).toBe(text);
});

test("counts down", () => {
  expect(statusOf({ ...WELL, ...pausedBy("RATE_LIMITED") }, 4_000)?.countDown).toContain("5");
});
