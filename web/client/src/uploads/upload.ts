/** The upload of one file: start or find it, send what is missing, follow it until the file is READY. */
import { CloudKeepError, hasCode, requireSuccess } from "../errors";
import type { Request, RequestOptions } from "../requests";
import type { Subscribe } from "../subscriptions";
import { delay } from "../waiting";
import { Beginning, inputOf } from "./beginning";
import { chunkDigest } from "./digests";
import { keyOf } from "./identity";
import { Meter } from "./meter";
import { ABORT_UPLOAD, UPLOAD, UPLOADED_FILE, UPLOAD_PROGRESS, type Slot, type UploadState } from "./operations";
import type { ServerProgress, Upload, UploadOptions, UploadResult } from "./options";
import { ReceivedSlot } from "./proof";
import { reportsOf } from "./reports";
import { Sender } from "./sender";
import { MissingSlots } from "./slots";
import { putBy } from "./transfer";
import { Width } from "./width";

/** What an upload needs of its client. */
export interface Server {
  origin: string;
  request: Request;
  subscribe: Subscribe;
  fetch: typeof globalThis.fetch | undefined;
}

/** If chunks are damaged on the server this often, its disk is probably broken. */
const MOST_ROUNDS = 5;
/** Seconds until a look at an upload whose feed has ended, or whose last chunks another sender sends. */
const LOOK_SECONDS = 1;
/** Milliseconds after which a feed is opened again: its last event may have been lost. */
const FEED_LIFETIME = 60_000;
const ENDS = ["READY", "FAILED", "ABORTED", "EXPIRED"];

export function startUpload(server: Server, source: Blob, options: UploadOptions): Upload {
  return new FileUpload(server, source, options);
}

class FileUpload implements Upload {
  id: string | null = null;
  readonly done: Promise<UploadResult>;
  readonly #meter: Meter;
  readonly #width: Width;
  /** Aborts with the reason why everything ends. */
  readonly #end = new AbortController();
  readonly #signal: AbortSignal;
  /** Aborts when the upload is paused. */
  #sending = new AbortController();
  #isPaused = false;
  #wake: (() => void) | undefined;

  constructor(
    private readonly server: Server,
    private readonly source: Blob,
    private readonly options: UploadOptions,
  ) {
    this.#meter = new Meter(source.size, options.onProgress);
    this.#width = new Width(options.parallel ?? 4, performance.now());
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#end.signal]) : this.#end.signal;
    this.#signal.addEventListener("abort", () => this.resume());
    this.done = this.#run();
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
      if (this.id) await this.#abortOnServer(this.id);
      this.#end.abort(new CloudKeepError("ABORTED", "The upload was aborted."));
    } catch (error) {
      if (!wasPaused) this.resume();
      throw error;
    }
  }

  async #run(): Promise<UploadResult> {
    try {
      const result = await this.#upload();
      this.#meter.end("READY");
      return result;
    } catch (error) {
      const stage = hasCode(error, "ABORTED", "EXPIRED") ? error.code : "FAILED";
      // An upload that was only stopped here has not ended.
      this.#meter.end(this.#signal.aborted && stage === "FAILED" ? null : stage);
      throw error;
    }
  }

  async #upload(): Promise<UploadResult> {
    const { options, source } = this;
    const name = options.name ?? ("name" in source ? String(source.name) : "file");
    const input = await inputOf(source, name, options, this.#meter, this.#signal);
    const beginning = new Beginning(this.server, input, options, keyOf(source, name, options), this.#meter);
    for (;;) {
      const begun = await beginning.next(this.#patiently(this.#signal));
      const isKnown = begun.status === "READY";
      this.id = begun.id;
      options.onStarted?.({ id: begun.id, known: isKnown });
      try {
        const state = await this.#finish(begun, "sha256" in input);
        if (state.status === "READY") return await this.#result(state, isKnown);
        if (state.status !== "EXPIRED" || options.idempotencyKey) throw failureOf(state);
      } catch (error) {
        if (!hasCode(error, "SLOT_CONFLICT") || options.idempotencyKey) throw error;
        // The server has bytes of another state of this file, which nobody can complete any more.
        await this.#abortOnServer(begun.id).catch(() => {});
      }
    }
  }

  /** Send what is missing and follow the upload until it ends. `isProven`: the server knows the digest of the file. */
  async #finish(state: UploadState, isProven: boolean): Promise<UploadState> {
    let proof = !isProven && !state.direct && state.receivedChunks > 0;
    for (let rounds = 0; !ENDS.includes(state.status); state = await this.#look(state.id)) {
      if (state.status !== "RECEIVING") {
        await this.#follow(state.id);
        continue;
      }
      await this.#resumed();
      try {
        if (proof) await this.#send(state, true);
        proof = false;
        if (await this.#send(state, false)) rounds++;
        else await delay(LOOK_SECONDS, this.#signal);
      } catch (error) {
        if (!this.#isPaused) throw error;
      }
      if (rounds > MOST_ROUNDS) {
        throw new CloudKeepError("CHECKSUM_MISMATCH", "Chunks were damaged on the server again and again.");
      }
    }
    return state;
  }

  /** Send what is missing, or only a `proof`. Returns the number of chunks. */
  async #send(state: UploadState, proof: boolean): Promise<number> {
    const { server, options, source } = this;
    const meter = this.#meter;
    this.#sending = new AbortController();
    const signal = AbortSignal.any([this.#signal, this.#sending.signal]);
    const patiently = this.#patiently(signal);
    const onFilled = ({ index, size }: Slot) => meter.settle(index, size);
    meter.begin("RECEIVING", state.receivedBytes);
    const digest = options.hash === "none" && !state.direct ? null : chunkDigest(options.hasher, signal);
    if (state.direct && !digest) throw new CloudKeepError("INVALID_INPUT", "Direct uploads need https, or a hasher.");
    const chunks = {
      source,
      origin: server.origin,
      put: putBy(server.fetch),
      signal,
      digest,
      report: state.direct ? reportsOf(server.request, state.id, patiently) : null,
      onSent: (index: number, bytes: number) => proof || meter.move(index, bytes),
    };
    const counting = proof ? { settle() {}, wait: meter.wait.bind(meter) } : meter;
    const slots = proof
      ? new ReceivedSlot(server.request, state.id, patiently)
      : new MissingSlots(server.request, state.id, patiently, onFilled);
    return new Sender(chunks, counting, this.#width).send(slots);
  }

  /** Return when the server may have finished the upload, or needs chunks again. */
  async #follow(id: string): Promise<void> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(FEED_LIFETIME)]);
    try {
      for await (const progress of (this.options.feed ?? this.#feed)(id, signal)) {
        this.#meter.follow(progress);
        if (progress.stage === "RECEIVING" || ENDS.includes(progress.stage)) return;
      }
    } catch {
      // The look that follows shows what is wrong.
    }
    await delay(LOOK_SECONDS, this.#signal);
  }

  readonly #feed = async function* (this: FileUpload, id: string, signal: AbortSignal): AsyncIterable<ServerProgress> {
    for await (const { uploadProgress } of this.server.subscribe(UPLOAD_PROGRESS, { id }, { signal })) {
      yield uploadProgress;
    }
  }.bind(this);

  async #look(id: string): Promise<UploadState> {
    const { upload } = await this.server.request(UPLOAD, { id }, this.#patiently(this.#signal));
    if (upload) return upload;
    throw new CloudKeepError("NOT_FOUND", "The server no longer knows this upload.");
  }

  async #result(state: UploadState, known: boolean): Promise<UploadResult> {
    const { id, error } = state;
    const fileId = await this.server.request(UPLOADED_FILE, { id }, this.#patiently(this.#signal)).then(
      ({ upload }) => upload?.file?.id ?? null,
      (refusal: unknown) => {
        // Its token may upload files and not read them.
        if (hasCode(refusal, "FORBIDDEN")) return null;
        throw refusal;
      },
    );
    return { uploadId: id, fileId, known, error };
  }

  async #abortOnServer(uploadId: string): Promise<void> {
    const { payload } = await this.server.request(ABORT_UPLOAD, { input: { uploadId } }, { idempotent: true });
    requireSuccess(payload);
  }

  async #resumed(): Promise<void> {
    if (this.#isPaused) this.#meter.wait("PAUSED", null);
    while (this.#isPaused) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#signal.throwIfAborted();
  }

  /** Options for requests that can be repeated, and that wait until the server can be reached. */
  #patiently(signal: AbortSignal): RequestOptions {
    const onWait = ({ code, retryAfter }: { code: string; retryAfter: number }) => this.#meter.wait(code, retryAfter);
    return { signal, idempotent: true, attempts: Infinity, onWait };
  }
}

function failureOf({ status, error }: UploadState): CloudKeepError {
  if (status === "FAILED" && error) return new CloudKeepError(error.code, error.message);
  return new CloudKeepError(status, `The upload is ${status}.`);
}
