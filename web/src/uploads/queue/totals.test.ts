import { expect, test } from "vitest";

import { Totals } from "./totals.svelte";

let time: number;

function totals(): Totals {
  time = 0;
  return new Totals(() => time);
}

test("the time left follows from the speed", () => {
  const all = totals();
  all.plan(1, 10_000);
  for (const second of [0, 1, 2]) {
    time = second * 1000;
    all.plan(0, -1000);
    all.done(0, 1000);
  }
  expect(all.rate).toEqual({ speed: 1000, eta: 7 });
});

test("many small files take as long as their number", () => {
  const all = totals();
  all.plan(100, 1000);
  for (const second of [0, 1, 2]) {
    time = second * 1000;
    all.plan(-1, -10);
    all.done(0, 10);
    all.done(1, 0);
  }
  expect(all.rate?.eta).toBeGreaterThanOrEqual(90);
});

test("after a rest the speed is unknown", () => {
  const all = totals();
  for (time = 0; time <= 2000; time += 1000) all.done(0, 1000);
  all.rest();
  expect(all.rate).toBeNull();
});
