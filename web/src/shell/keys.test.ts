import { expect, test } from "vitest";

import { matcher, shownKeys } from "./keys";

const SHORTCUTS = ["n", "g f", "mod+z", "?"];

/** The shortcuts that strokes mean, one after another. */
function found(strokes: [key: string, at?: number, isMod?: boolean][]): (string | null)[] {
  const match = matcher();
  return strokes.map(([key, at = 0, isMod = false]) => match({ key, at, isMod }, SHORTCUTS));
}

test("a key means its shortcut, with and without Shift", () => {
  expect(found([["n"], ["N"], ["?"], ["x"]])).toEqual(["n", "n", "?", null]);
});

test("a key with Ctrl or ⌘ is another one", () => {
  expect(found([["z"], ["z", 0, true], ["n", 0, true]])).toEqual([null, "mod+z", null]);
});

test("two keys mean a shortcut if they come soon after one another", () => {
  expect(
    found([
      ["g", 0],
      ["f", 900],
      ["f", 1000],
    ]),
  ).toEqual([null, "g f", null]);
  expect(
    found([
      ["g", 0],
      ["f", 2000],
    ]),
  ).toEqual([null, null]);
});

test("keys are shown as keyboards have them", () => {
  expect(shownKeys("mod+z", false)).toEqual(["Ctrl", "Z"]);
  expect(shownKeys("mod+z", true)).toEqual(["⌘", "Z"]);
  expect(shownKeys("g f", false)).toEqual(["G", "F"]);
});
