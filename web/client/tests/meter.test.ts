import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Progress } from "../src";
import { Meter } from "../src/uploads/meter";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function meterOf(size: number) {
  const told: Progress[] = [];
  const meter = new Meter(size, (progress) => told.push(progress));
  return { meter, told, last: () => told.at(-1) };
}

describe("the progress", () => {
  it("reports at most ten times a second, and always the last progress", async () => {
    const { meter, told, last } = meterOf(1000);
    meter.begin("RECEIVING", 0);
    for (let bytes = 1; bytes <= 1000; bytes++) {
      meter.move(0, bytes);
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(100);
    expect(told.length).toBeLessThanOrEqual(12);
    expect(last()).toMatchObject({ sent: 1000, percent: 100 });
  });

  it("has the speed and the time that is left", async () => {
    const { meter, last } = meterOf(10_000);
    meter.begin("RECEIVING", 0);
    await vi.advanceTimersByTimeAsync(1000);
    meter.move(0, 1000);
    await vi.advanceTimersByTimeAsync(100);
    expect(last()?.speed).toBe(1000);
    expect(last()?.eta).toBe(9);
  });

  it("counts a chunk that is lost no longer", async () => {
    const { meter, last } = meterOf(1000);
    meter.begin("RECEIVING", 100);
    meter.move(0, 400);
    meter.move(1, 100);
    meter.settle(0, 0);
    meter.settle(1, 500);
    await vi.advanceTimersByTimeAsync(100);
    expect(last()).toMatchObject({ sent: 600, percent: 60 });
  });

  it("says why nothing happens, until something does", async () => {
    const { meter, last } = meterOf(1000);
    meter.wait("RATE_LIMITED", 2);
    await vi.advanceTimersByTimeAsync(100);
    expect(last()).toMatchObject({ waitsFor: "RATE_LIMITED", retryAfter: 2, speed: null });
    meter.settle(0, 0);
    await vi.advanceTimersByTimeAsync(1000);
    expect(last()).toMatchObject({ waitsFor: "RATE_LIMITED" });
    meter.move(0, 10);
    await vi.advanceTimersByTimeAsync(1000);
    expect(last()).toMatchObject({ waitsFor: null, retryAfter: null });
  });

  it("is that of the server once all chunks have arrived", async () => {
    const { meter, last } = meterOf(1000);
    meter.follow({ stage: "COMPRESSING", percent: 30, speed: 2, etaSeconds: 12, waitsFor: "STORAGE_FULL" });
    await vi.advanceTimersByTimeAsync(100);
    expect(last()).toMatchObject({ stage: "COMPRESSING", percent: 30, speed: 2, eta: 12, waitsFor: "STORAGE_FULL" });
    meter.end("READY");
    expect(last()).toMatchObject({ stage: "READY", percent: 100, waitsFor: null });
  });

  it("reports nothing more after it was stopped", async () => {
    const { meter, told } = meterOf(1000);
    meter.begin("RECEIVING", 0);
    meter.end(null);
    await vi.advanceTimersByTimeAsync(1000);
    expect(told).toEqual([]);
  });
});
