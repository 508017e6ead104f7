import { expect, test } from "vitest";

import { placeAfter } from "./grid-keys";

test.each([
  ["ArrowDown", 1, 10, 1, 2],
  ["ArrowUp", 0, 10, 1, 0],
  ["ArrowDown", 9, 10, 1, 9],
  ["ArrowRight", 1, 10, 1, null],
  ["ArrowRight", 3, 10, 4, 4],
  ["ArrowLeft", 0, 10, 4, 0],
  ["ArrowDown", 1, 10, 4, 5],
  ["ArrowDown", 7, 10, 4, 9],
  ["ArrowDown", 9, 10, 4, 9],
  ["ArrowUp", 2, 10, 4, 2],
  ["Home", 7, 10, 4, 0],
  ["End", 2, 10, 4, 9],
  ["PageDown", 0, 100, 4, 20],
  ["ArrowDown", -1, 10, 4, 0],
  ["End", -1, 10, 4, 9],
  ["ArrowDown", 0, 0, 1, null],
  ["x", 0, 10, 1, null],
])("%s from %i of %i in %i columns leads to %s", (key, from, count, columns, to) => {
  expect(placeAfter(key, from, count, columns)).toBe(to);
});
