import { expect, test } from "vitest";
import { hearCost, isLow, lastCost, refilled } from "./budget";

const bucket = (currentlyAvailable: number) => ({ maximumAvailable: 2000, currentlyAvailable, restoreRate: 50 });

function hear(points: number | null, at = 0): void {
  const throttleStatus = points === null ? null : bucket(points);
  hearCost({ data: null, extensions: { cost: { requestedQueryCost: 1, actualQueryCost: 1, throttleStatus } } }, at);
}

test("a bucket fills up and is never more than full", () => {
  expect(refilled(bucket(100), 2)).toBe(200);
  expect(refilled(bucket(1990), 60)).toBe(2000);
});

test("a quarter of the budget is left to the operations of people", () => {
  hear(519);
  expect(isLow(20, 0)).toBe(true);
  hear(520);
  expect(isLow(20, 0)).toBe(false);
});

test("points come back with time", () => {
  hear(320);
  expect(isLow(20, 3_000)).toBe(true);
  expect(isLow(20, 4_000)).toBe(false);
});

test("without a budget nothing is low", () => {
  hear(null);
  expect(isLow(1_000_000)).toBe(false);
  lastCost.set(null);
  expect(isLow(1_000_000)).toBe(false);
});
