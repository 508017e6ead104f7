import { CloudKeepError } from "@cloudkeep/client";
import { expect, test, vi } from "vitest";

import { Cancelled } from "./cancelled";
import { Form, missing } from "./form.svelte";

const failing = (error: Error) => () => Promise.reject(error);
const userErrors = [
  { code: "INVALID_INPUT", message: "Too short.", field: ["input", "password"] },
  { code: "INVALID_INPUT", message: "Too simple.", field: ["input", "password"] },
  { code: "ALREADY_EXISTS", message: "Taken.", field: ["input", "userId"] },
];

test("each field shows the first error that the server has for it", async () => {
  const form = new Form({ fields: ["userId", "password"] });
  const refused = new CloudKeepError("INVALID_INPUT", "Too short.", { userErrors });
  expect(await form.send(failing(refused))).toBe(false);
  expect(form.problems).toEqual({ userId: "Taken.", password: "Too short." });
  expect(form.error).toBeNull();
});

test("an error of a field that the form does not have is one of the whole form", async () => {
  const form = new Form({ fields: ["userId"] });
  const refused = new CloudKeepError("INVALID_INPUT", "Too short.", { userErrors });
  await form.send(failing(refused));
  expect(form.problems).toEqual({ userId: "Taken." });
  expect(form.error).toBe(refused);
});

test("an error without a field has the place of its code", async () => {
  const form = new Form({ fields: ["password"], places: { INVALID_CREDENTIALS: "password" } });
  await form.send(failing(new CloudKeepError("INVALID_CREDENTIALS", "Wrong.")));
  expect(form.problems).toEqual({ password: "Wrong." });
  expect(form.error).toBeNull();
});

test("it is not sent before the time that the server asks for", async () => {
  vi.useFakeTimers();
  const form = new Form({ fields: [] });
  await form.send(failing(new CloudKeepError("TOO_MANY_ATTEMPTS", "Wait.", { retryAfter: 4 })));
  const action = vi.fn(() => Promise.resolve());
  expect(await form.send(action)).toBe(false);
  vi.advanceTimersByTime(4_000);
  expect(await form.send(action)).toBe(true);
  expect(action).toHaveBeenCalledOnce();
  vi.useRealTimers();
});

test("with problems that are known it is not sent, and who has cancelled sees no error", async () => {
  const form = new Form({ fields: ["name"] });
  const action = vi.fn(failing(new Cancelled()));
  await form.send(action, missing({ name: " " }, { name: "Enter a name." }));
  expect(form.problems).toEqual({ name: "Enter a name." });
  expect(action).not.toHaveBeenCalled();
  await form.send(action, missing({ name: "Ada" }, { name: "Enter a name." }));
  expect([form.problems, form.error]).toEqual([{}, null]);
});
