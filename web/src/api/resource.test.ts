import { expect, test } from "vitest";

import { Resource } from "./resource.svelte";

test("the old value stays when loading it again fails", async () => {
  const answers = [Promise.resolve(1), Promise.reject(new Error("away")), Promise.resolve(2)];
  const resource = new Resource(() => answers.shift() ?? Promise.reject(new Error("no answer")));
  await resource.load();
  expect([resource.value, resource.error]).toEqual([1, null]);
  await resource.load();
  expect([resource.value, resource.error]).toEqual([1, new Error("away")]);
  await resource.load();
  expect([resource.value, resource.error]).toEqual([2, null]);
});

test("an answer that comes after a later one is dropped", async () => {
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const answers = [first.promise, second.promise];
  const resource = new Resource(() => answers.shift() ?? Promise.reject(new Error("no answer")));
  const loads = [resource.load(), resource.load()];
  second.resolve("new");
  first.resolve("old");
  await Promise.all(loads);
  expect(resource.value).toBe("new");
});
