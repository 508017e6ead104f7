import { CloudKeepError } from "@cloudkeep/client";
import { beforeEach, expect, test } from "vitest";

import { Cancelled } from "../forms/cancelled";
import { reportErrors } from "./report-errors";
import { toasts } from "../ui/toasts.svelte";

beforeEach(() => toasts.shown.forEach((toast) => toasts.dismiss(toast)));

test("says what could not be done, why, and the ID of the request", async () => {
  const error = new CloudKeepError("INVALID_INPUT", "It is too long.", { requestId: "req" });
  expect(await reportErrors("“a” could not be moved.", () => Promise.reject(error))).toBe(false);
  expect(toasts.shown).toEqual([{ kind: "error", text: "“a” could not be moved. It is too long.", requestId: "req" }]);
});

test("says nothing of what was done or cancelled", async () => {
  expect(await reportErrors("No.", () => Promise.resolve())).toBe(true);
  expect(await reportErrors("No.", () => Promise.reject(new Cancelled()))).toBe(false);
  expect(toasts.shown).toEqual([]);
});
