/** One upload of the queue. */
import type { Progress, Upload } from "@cloudkeep/client";

import { keyOf, type Plan } from "./plan";
import type { UploadRecord } from "../resume/records";

/**
 * `elsewhere`: another tab sends the same file. `interrupted`: the page was loaded again, and needs the file once more.
 */
export type State = "waiting" | "running" | "paused" | "elsewhere" | "interrupted" | "done" | "failed" | "cancelled";

const OVER: readonly State[] = ["done", "failed", "cancelled"];
let lastId = 0;

/** What has become of an upload. */
export interface Outcome {
  /** Null if this account may not read the file. */
  fileId: string | null;
  /** Why there is no smaller copy, although one was wanted. */
  error: { code: string; message: string } | null;
}

export class QueuedUpload {
  readonly id = ++lastId;
  readonly key: string;
  state = $state<State>("waiting");
  progress = $state.raw<Progress | null>(null);
  /** The time in milliseconds at which a wait ends; null if that is unknown. */
  waitsUntil: number | null = null;
  /** Why it has failed. */
  error = $state.raw<unknown>(null);
  /** Why the last thing that was asked of it was not done. */
  refusal = $state.raw<unknown>(null);
  isCancelling = $state(false);
  outcome = $state.raw<Outcome | null>(null);

  /** Null for one that was interrupted. */
  file: File | null = null;
  handle: FileSystemFileHandle | null = null;
  /** The upload on the server, once it is known. */
  uploadId: string | null = null;
  upload: Upload | null = null;
  /** Settles when the group is over with which it is sent; null for one that is sent by itself. */
  group = $state.raw<Promise<void> | null>(null);
  /** Whether it may be sent with others. What a group could not store is sent by itself. */
  mayBeGrouped: boolean;
  /** Ends what this page does for it, and nothing on the server. */
  stop = new AbortController();
  /** The bytes that the server has, as far as was told. */
  sent = 0;

  constructor(readonly plan: Plan) {
    this.key = keyOf(plan);
    this.mayBeGrouped = plan.compress === null;
  }

  static of({ plan, uploadId, handle }: UploadRecord): QueuedUpload {
    const upload = new QueuedUpload(plan);
    upload.uploadId = uploadId;
    upload.handle = handle;
    return upload;
  }

  /** What finds it again after a reload. */
  get record(): UploadRecord {
    const { key, plan, uploadId, handle } = this;
    return { key, plan, uploadId, handle };
  }

  /** The name that it has in the drive. */
  get name(): string {
    return this.plan.replaces?.name ?? this.plan.name;
  }

  /** Whether it is the new version of this file. */
  isVersionOf(fileId: string): boolean {
    return this.plan.replaces?.fileId === fileId;
  }

  /** Whether a new version was stored as another file: the one that was meant had been renamed or moved by then. */
  get hasMissed(): boolean {
    const fileId = this.outcome?.fileId ?? null;
    return fileId !== null && !this.isVersionOf(fileId) && this.plan.replaces !== undefined;
  }

  get isOver(): boolean {
    return OVER.includes(this.state);
  }

  /** Whether bytes are sent, so that pausing it makes sense. */
  get isSending(): boolean {
    const stage = this.progress?.stage ?? "RECEIVING";
    return !this.group && this.state === "running" && (stage === "RECEIVING" || stage === "HASHING");
  }
}
