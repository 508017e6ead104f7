import { CloudKeepError, type Progress } from "@cloudkeep/client";
import { expect, test } from "vitest";

import { wordsOf } from "./status-text";

const QUIET = { waitsUntil: null, error: null, outcome: null, isCancelling: false, handle: null, hasMissed: false };

function running(progress: Partial<Progress>, waitsUntil: number | null = null): string {
  const measured = { percent: 64.7, sent: 0, size: 0, speed: null, eta: null, waitsFor: null, retryAfter: null };
  const all: Progress = { stage: "RECEIVING", ...measured, ...progress };
  return wordsOf({ ...QUIET, state: "running", progress: all, waitsUntil }, 0);
}

test("a file that is sent has a speed and a time", () => {
  expect(running({ speed: 41_000_000, eta: 170 })).toBe("Uploading · 64 % · 41 MB/s · 3 minutes left");
});

test.each([
  ["REASSEMBLING", "Checking every byte · 64 %"],
  ["COMPRESSING", "Making a smaller copy · 64 %"],
] as const)("the stage %s has its words", (stage, words) => {
  expect(running({ stage, speed: 2 })).toBe(words);
});

test.each([
  ["RATE_LIMITED", "A short pause · going on in 4 seconds"],
  ["NETWORK", "No connection. It goes on by itself · going on in 4 seconds"],
])("the wait %s is told with a time", (waitsFor, words) => {
  expect(running({ waitsFor }, 4000)).toBe(words);
});

test("a full disk without a known end is told in words", () => {
  expect(running({ waitsFor: "STORAGE_FULL" })).toBe("The disk is full. It goes on by itself when there is room.");
});

test.each([
  ["QUOTA_EXCEEDED", "Your storage has no room for it."],
  ["FILE_CHANGED", "The file was changed while it was being sent."],
  ["UNKNOWN", "What the server says."],
])("the error %s has its words", (code, words) => {
  const error = new CloudKeepError(code, "What the server says.");
  expect(wordsOf({ ...QUIET, state: "failed", progress: null, error }, 0)).toBe(words);
});

test("a stored file without its smaller copy says so", () => {
  const outcome = { fileId: "file", error: { code: "COMPRESSION_FAILED", message: "" } };
  expect(wordsOf({ ...QUIET, state: "done", progress: null, outcome }, 0)).toBe("Done, without a smaller copy");
});
