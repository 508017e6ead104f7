import { expect, test } from "vitest";

import { rateWords, titleOf } from "./title";

const NOTHING = { open: 0, done: 0, failed: 0, interrupted: 0, isPaused: false };

test.each([
  [{ open: 4, done: 1 }, "Uploading 2 of 5"],
  [{ open: 4, done: 1, failed: 1, isPaused: true }, "Paused at 3 of 6 · 1 failed"],
  [{ done: 1 }, "1 upload is done"],
  [{ done: 1200, failed: 2 }, "1,200 uploads are done · 2 failed"],
  [{ interrupted: 1 }, "1 file to choose again"],
  [{}, "No uploads"],
])("with %o the tray is titled %s", (counts, title) => {
  expect(titleOf({ ...NOTHING, ...counts })).toBe(title);
});

test("the speed of all together comes with the time left", () => {
  expect(rateWords({ speed: 41_000_000, eta: 170 })).toBe("41 MB/s · 3 minutes left");
});
