/** What the queue needs of the rest of the page. */
import type { Client, ServerProgress, Upload, UploadOptions } from "@cloudkeep/client";

import type { Compression } from "./plan";
import type { Outcome } from "./queued-upload.svelte";
import type { Records } from "../resume/records";

/** An upload as the server knows it. */
export interface KnownUpload extends Outcome {
  status: ServerProgress["stage"];
}

export interface Services {
  send: (source: Blob, options: UploadOptions) => Upload;
  /** Send small files together. */
  sendGroup: Client["uploadGroup"];
  /** The size in bytes of the largest file that is sent with others. */
  maxGrouped: number;
  feed: (uploadId: string, signal: AbortSignal) => AsyncIterable<ServerProgress>;
  /** Null if the server does not know it. */
  look: (uploadId: string, signal: AbortSignal) => Promise<KnownUpload | null>;
  abort: (uploadId: string) => Promise<void>;
  /** Run `work` while no other tab works on this key. `onBusy` is called if another one does, before it waits. */
  alone: <Result>(key: string, signal: AbortSignal, onBusy: () => void, work: () => Promise<Result>) => Promise<Result>;
  /** The file of a handle that may be read without asking; null if there is none. */
  fileOf: (handle: FileSystemFileHandle) => Promise<File | null>;
  /** The smaller copy that is wanted of a file. */
  compressionOf: (file: File) => Compression | null;
  /** Where the uploads of an account are remembered for the time after a reload. */
  recordsOf: (accountId: string) => Promise<Records>;
}
