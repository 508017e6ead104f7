import { describe, expect, it } from "vitest";

import { Width } from "../src/uploads/sending/width";

/** The widths over time if chunks of a megabyte arrive at `speed`, in MB per second, by width. */
function widths(max: number, chunks: number, speed: (width: number) => number): number[] {
  let now = 0;
  const width = new Width(max, now);
  return Array.from({ length: chunks }, () => {
    now += 1000 / speed(width.value);
    width.arrived(1e6, now);
    return width.value;
  });
}

describe("the number of chunks at the same time", () => {
  it("rises to the most while that is faster", () => {
    expect(widths(4, 40, (width) => 10 * width).at(-1)).toBe(4);
  });

  it("stays low if more are no faster", () => {
    const found = widths(8, 100, () => 10);
    expect(Math.max(...found)).toBe(3);
    expect(found.filter((width) => width === 2).length).toBeGreaterThan(60);
  });

  it("never exceeds the most", () => {
    expect(Math.max(...widths(1, 40, (width) => width))).toBe(1);
    expect(new Width(0, 0).value).toBe(1);
  });

  it("is one after a failure, and rises again", () => {
    const width = new Width(4, 0);
    width.failed(0);
    expect(width.value).toBe(1);
    width.arrived(1e6, 1000);
    width.arrived(1e6, 2000);
    expect(width.value).toBe(2);
  });
});
