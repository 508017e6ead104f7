/** Texts of uploads. */
import type { Stage } from "@cloudkeep/client";

const STAGES: Readonly<Record<Stage, string>> = {
  HASHING: "Looking at it",
  RECEIVING: "Uploading",
  REASSEMBLING: "Checking every byte",
  COMPRESSING: "Making a smaller copy",
  READY: "Done",
  FAILED: "Failed",
  ABORTED: "Cancelled",
  EXPIRED: "Expired",
};

const WAITS: Readonly<Record<string, string>> = {
  PAUSED: "Paused",
  STORAGE_FULL: "The disk is full. It goes on by itself when there is room.",
  STORAGE_UNAVAILABLE: "The storage does not answer. It goes on by itself.",
  TEMPORARILY_UNAVAILABLE: "The server is not ready. It goes on by itself.",
  RATE_LIMITED: "A short pause",
  NETWORK: "No connection. It goes on by itself.",
};

export const UPLOADS = {
  title: "Uploads",
  upload: "Upload",
  waiting: "Waiting",
  uploading: (done: number, count: number) => `Uploading ${done} of ${count}`,
  finished: (count: number) => (count === 1 ? "1 upload is done" : `${count} uploads are done`),
  failed: (count: number) => `${count} failed`,
  stage: (stage: Stage) => STAGES[stage],
  wait: (code: string) => WAITS[code] ?? "Waiting. It goes on by itself.",
  percent: (percent: number) => `${Math.floor(percent)} %`,
  left: (wait: string) => `${wait} left`,
  perSecond: (size: string) => `${size}/s`,
  pause: "Pause",
  resume: "Go on",
  cancel: "Cancel",
  retry: "Try again",
  clear: "Clear the list",
  show: "Show the uploads",
  hide: "Hide the uploads",
  open: "Open",
  quota: "Your storage is full.",
} as const;
