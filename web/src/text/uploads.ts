/** Texts of uploads. */
import type { Stage } from "@cloudkeep/client";

const STAGES: Readonly<Record<Stage, string>> = {
  HASHING: "Reading the file",
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
  NOT_READY: "The server is not ready. It goes on by itself.",
  RATE_LIMITED: "A short pause",
  SERVER_BUSY: "The server is busy",
  TOO_MANY_CONNECTIONS: "The server is busy",
  TOO_MANY_UPLOADS: "Many other uploads are open",
  NETWORK: "No connection. It goes on by itself.",
};

const ERRORS: Readonly<Record<string, string>> = {
  QUOTA_EXCEEDED: "Your storage has no room for it.",
  TOO_LARGE: "The server takes no files of this size.",
  FILE_CHANGED: "The file was changed while it was being sent.",
  CHECKSUM_MISMATCH: "It was damaged in transit several times.",
  EXPIRED: "It was not finished in time.",
  NOT_FOUND: "The folder no longer exists.",
  IN_TRASH: "The folder is in the trash.",
  UPLOAD_CLOSED: "All of it has arrived, so it can no longer be cancelled.",
};

const count = (number: number) => number.toLocaleString();
const files = (number: number) => (number === 1 ? "1 file" : `${count(number)} files`);

export const UPLOADS = {
  title: "Uploads",
  waiting: "Waiting",
  elsewhere: "Another tab is sending it",
  interrupted: "Choose the file again to resume",
  interruptedHandle: "Interrupted when the page was closed",
  cancelling: "Cancelling",
  uploading: (number: number, all: number) => `Uploading ${count(number)} of ${count(all)}`,
  paused: (number: number, all: number) => `Paused at ${count(number)} of ${count(all)}`,
  finished: (number: number) => (number === 1 ? "1 upload is done" : `${count(number)} uploads are done`),
  failed: (number: number) => `${count(number)} failed`,
  interruptedCount: (number: number) => `${files(number)} to choose again`,
  nothing: "No uploads",
  others: (number: number) => `and ${count(number)} more`,
  stage: (stage: Stage) => STAGES[stage],
  wait: (code: string) => WAITS[code] ?? "Waiting. It goes on by itself.",
  inTime: (words: string, wait: string) => `${words.replace(/\.$/, "")} · going on in ${wait}`,
  error: (code: string) => ERRORS[code] ?? null,
  noSmallerCopy: "Done, without a smaller copy",
  notAVideo: "Done. It has no video to make smaller.",
  newVersion: "New version",
  anotherFile: "Stored as a file of its own: the one it is a version of was renamed or moved.",
  into: (path: string) => `in ${path}`,
  percent: (percent: number) => `${Math.floor(percent)} %`,
  left: (wait: string) => `${wait} left`,
  perSecond: (size: string) => `${size}/s`,
  pause: "Pause",
  pauseAll: "Pause all",
  resume: "Resume",
  resumeAll: "Resume all",
  cancel: "Cancel",
  retry: "Try again",
  retryAll: "Try all again",
  choose: "Choose again",
  chooseAll: "Choose the files again",
  strangers: (number: number) =>
    number === 1 ? "This is a different file." : `${files(number)} are different from those before.`,
  clear: "Clear the list",
  show: "Show the uploads",
  hide: "Hide the uploads",
  options: "Options",
  toTrash: "Empty the trash",
  toStorage: "See your storage",
  smallerCopies: "Make a smaller copy of videos",
  smallerCopiesHint: "For videos that you add from now on. The video itself stays as it is.",
  preset: "Smaller copy",
  presets: { FAST: "Quick", BALANCED: "Balanced", SMALL: "As small as possible" },
  leaveTitle: "Uploads are not finished",
  leave: (number: number) =>
    `${files(number)} will not be finished if you sign out now. To go on later, sign in and add the same files again.`,
  signOut: "Sign out",
  stay: "Stay signed in",
} as const;
