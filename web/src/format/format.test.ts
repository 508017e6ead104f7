import { expect, test } from "vitest";

import { formatSize } from "./size";
import { formatLength, formatMoment, formatTime, formatWait } from "./time";

test.each([
  [0, "0 bytes"],
  [1, "1 byte"],
  [999, "999 bytes"],
  [1000, "1 kB"],
  [1240, "1.2 kB"],
  [18_400_000, "18 MB"],
  [999_499_999_999, "999 GB"],
  [1_500_000_000_000, "1.5 TB"],
])("%i bytes are %s", (bytes, text) => {
  expect(formatSize(bytes, "en")).toBe(text);
});

test.each([
  [0.2, "0:00"],
  [12, "0:12"],
  [100, "1:40"],
  [3723, "1:02:03"],
])("%f seconds are as long as %s", (seconds, text) => {
  expect(formatLength(seconds)).toBe(text);
});

test.each([
  [0.4, "1 second"],
  [61, "2 minutes"],
  [7200, "2 hours"],
])("a wait of %f seconds takes %s", (seconds, text) => {
  expect(formatWait(seconds, "en")).toBe(text);
});

test.each([
  [2_592_000, "30 days"],
  [86_400, "1 day"],
  [7200, "2 hours"],
])("%i seconds are kept for %s", (seconds, text) => {
  expect(formatTime(seconds, "en")).toBe(text);
});

test("a moment is the time of today, a day of this week, or a date", () => {
  const now = new Date(2026, 10, 30, 15, 0);
  const at = (...parts: [number, number, number, number]) => new Date(...parts).toISOString();
  expect(formatMoment(at(2026, 10, 30, 9), now, "en-GB")).toBe("9:00");
  expect(formatMoment(at(2026, 10, 28, 9), now, "en-GB")).toBe("Sat 09:00");
  expect(formatMoment(at(2026, 1, 3, 9), now, "en-GB")).toBe("3 Feb");
  expect(formatMoment(at(2025, 1, 3, 9), now, "en-GB")).toBe("3 Feb 2025");
});
