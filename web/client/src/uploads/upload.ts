/** What the caller of an upload holds of it. The code that sends files is loaded with the first upload. */
import { document } from "../documents";
import { CloudKeepError, requireSuccess, type UserError } from "../errors";
import type { Request } from "../requests";
import type { Subscribe } from "../subscriptions";
import type { Upload, UploadOptions, UploadResult } from "./options";

/** What an upload needs of its client. */
export interface Server {
  origin: string;
  request: Request;
  subscribe: Subscribe;
  fetch: typeof globalThis.fetch | undefined;
}

export const ABORT_UPLOAD = document<{ payload: { userErrors: UserError[] } }, { input: { uploadId: string } }>(
  `mutation ClientAbortUpload($input: AbortUploadInput!) {
    payload: abortUpload(input: $input) { userErrors { field message code } }
  }`,
);

export class StartedUpload implements Upload {
  id: string | null = null;
  readonly done: Promise<UploadResult>;
  /** Aborts with the reason when everything ends. */
  readonly signal: AbortSignal;
  #end = new AbortController();
  #sending = new AbortController();
  #isPaused = false;
  #wake: (() => void) | undefined;

  constructor(
    readonly server: Server,
    readonly source: Blob,
    readonly options: UploadOptions,
  ) {
    this.signal = options.signal ? AbortSignal.any([options.signal, this.#end.signal]) : this.#end.signal;
    this.signal.addEventListener("abort", () => this.resume());
    this.done = import("./run").then(({ run }) => run(this));
    // A caller may only want the progress.
    this.done.catch(() => {});
  }

  pause(): void {
    this.#isPaused = true;
    this.#sending.abort();
  }

  resume(): void {
    this.#isPaused = false;
    this.#wake?.();
  }

  async abort(): Promise<void> {
    const wasPaused = this.#isPaused;
    this.pause();
    try {
      if (this.id) await this.abortOnServer(this.id);
      this.#end.abort(new CloudKeepError("ABORTED", "The upload was aborted."));
    } catch (error) {
      if (!wasPaused) this.resume();
      throw error;
    }
  }

  async abortOnServer(uploadId: string): Promise<void> {
    const { payload } = await this.server.request(ABORT_UPLOAD, { input: { uploadId } }, { idempotent: true });
    requireSuccess(payload);
  }

  /**
   * A signal that aborts when the upload is paused or ends. Until it is resumed, this waits; `onPaused` is called
   * before.
   */
  async sending(onPaused: () => void): Promise<AbortSignal> {
    if (this.#isPaused) onPaused();
    while (this.#isPaused) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.signal.throwIfAborted();
    this.#sending = new AbortController();
    return AbortSignal.any([this.signal, this.#sending.signal]);
  }
}
