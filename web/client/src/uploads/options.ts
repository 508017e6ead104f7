/** What a caller gives to an upload, and what it gets. */

import type { Wait } from "../waiting";

/** Digests of a file, in hexadecimal digits: of the whole, and of each chunk if those are known too. */
export interface Digests {
  sha256: string;
  chunks?: readonly string[];
}

/**
 * Computes the SHA-256 of a whole file, such as in a worker.
 *
 * `chunkSize` is the size of the chunks that it may hash as well, so that chunks which the account has are not sent.
 */
export type Hasher = (
  source: Blob,
  options: { chunkSize: number; signal: AbortSignal; onProgress: (bytes: number) => void },
) => Promise<Digests>;

export type Stage =
  "HASHING" | "RECEIVING" | "REASSEMBLING" | "COMPRESSING" | "READY" | "FAILED" | "ABORTED" | "EXPIRED";

/** The progress that the server tells, such as by `uploadProgress` or `activity`. */
export interface ServerProgress {
  stage: Exclude<Stage, "HASHING">;
  percent: number;
  etaSeconds?: number | null;
  speed?: number | null;
  waitsFor?: string | null;
}

export interface Progress {
  stage: Stage;
  /** The percentage of the stage that is done. */
  percent: number;
  /** The bytes that the server has, and those that are on their way. */
  sent: number;
  size: number;
  /** Bytes per second; in COMPRESSING a multiple of real time. It is null while it is unknown. */
  speed: number | null;
  /** Seconds until the stage ends; null while there is no estimate. */
  eta: number | null;
  /** Why nothing happens at the moment: PAUSED, or the code of an error or of the server's `waitsFor`; else null. */
  waitsFor: string | null;
  /** Seconds from now until the next attempt, if it waits and that is known. */
  retryAfter: number | null;
}

export interface UploadOptions {
  /** By default the name of the file. */
  name?: string;
  /** The ID of the folder for the file; by default the root. */
  parentId?: string | null;
  /** The path from that folder to the one for the file, such as `photos/2026`; missing folders are created. */
  relativePath?: string | null;
  conflict?: "FAIL" | "KEEP_BOTH" | "REPLACE";
  compress?: { preset?: string; maxHeight?: number } | null;
  mimeType?: string | null;
  /** In bytes, 64 KiB to 95 MiB. By default the server decides. */
  chunkSize?: number;
  /** Send the chunks straight to S3. By default the server decides. */
  direct?: boolean;
  /** By default it is made of the name, the size, the time of the last change, and the destination. */
  idempotencyKey?: string;
  /** Send the file again even if an upload with this key is READY already. The default is true with REPLACE. */
  repeat?: boolean;
  /**
   * `none`; `chunks`: each chunk is sent with its SHA-256, so that damage on the way is noticed at once; `file`: also
   * the whole file by `hasher`, if it is smaller than 256 MiB. The default is `chunks`.
   */
  hash?: "none" | "chunks" | "file";
  hasher?: Hasher;
  /** At most so many chunks at the same time: 4 by default. Fewer are sent if more are no faster. */
  parallel?: number;
  /** Stop without aborting the upload on the server: a later call can go on with it. */
  signal?: AbortSignal;
  /** Called at most ten times a second. */
  onProgress?: (progress: Progress) => void;
  /** Called once the server knows the upload. */
  onStarted?: (upload: { id: string; known: boolean }) => void;
  /** The server's progress with an upload. By default a subscription to `uploadProgress`. */
  feed?: (uploadId: string, signal: AbortSignal) => AsyncIterable<ServerProgress>;
}

/** A file of many. */
export interface FileToUpload {
  source: Blob;
  options?: UploadOptions;
}

export interface UploadAllOptions {
  /** How many files, or groups of small files, are under way at the same time: 2 by default. */
  parallel?: number;
  /** Stop without aborting the uploads on the server. */
  signal?: AbortSignal;
  /** Called once for each file, with its result or with the error of its upload. */
  onSettled?: (file: FileToUpload, outcome: { result: UploadResult } | { error: unknown }) => void;
}

export interface UploadGroupOptions {
  /** Stop without aborting the uploads on the server. */
  signal?: AbortSignal;
  /** Called once the server knows the files: with the ID of each one's upload, null for one that was refused. */
  onStarted?: (ids: (string | null)[]) => void;
  /** Called before it waits, and goes on by itself. */
  onWait?: (wait: Wait) => void;
}

export interface UploadResult {
  uploadId: string;
  /** The ID of the file; null if the client may not read it. */
  fileId: string | null;
  /** The upload was READY before; nothing was sent. */
  known: boolean;
  /** Why a READY upload has no compressed video, if that failed. */
  error: { code: string; message: string } | null;
}

export interface Upload {
  /** Settles when the file is READY, or with a `CloudKeepError`. */
  readonly done: Promise<UploadResult>;
  /** Its ID, once the server knows it. */
  readonly id: string | null;
  /** Stop sending at once. Chunks that are on their way are sent again later. */
  pause(): void;
  resume(): void;
  /**
   * End the upload and free its storage on the server. It fails with UPLOAD_CLOSED, and goes on, once all chunks have
   * arrived.
   */
  abort(): Promise<void>;
}
