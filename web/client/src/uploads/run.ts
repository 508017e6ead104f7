/** The upload of one file: start or find it, send what is missing, follow it until the file is READY. */
import { CloudKeepError, hasCode } from "../errors";
import type { RequestOptions } from "../requests";
import type { Wait } from "../waiting";
import { delay } from "../waiting";
import { Beginning, digestsOf, inputOf } from "./beginning";
import { chunkDigest } from "./sending/digests";
import { keyOf, nameOf } from "./identity";
import { Meter } from "./meter";
import { UPLOAD, UPLOADED_FILE, UPLOAD_PROGRESS, type UploadState } from "./operations";
import type { ServerProgress, UploadResult } from "./options";
import { ReceivedSlot } from "./sending/proof";
import { reportsOf } from "./sending/reports";
import { Sender } from "./sending/sender";
import { MissingSlots } from "./sending/slots";
import { putBy } from "./sending/transfer";
import type { Server, StartedUpload } from "./upload";
import { Width } from "./sending/width";

/** If chunks are damaged on the server this often, its disk is probably broken. */
const MAX_ROUNDS = 5;
/** Seconds until a look at an upload whose feed has ended, or whose last chunks another sender sends. */
const LOOK_SECONDS = 1;
/** Milliseconds after which a feed is opened again: its last event may have been lost. */
const FEED_LIFETIME = 60_000;
const ENDS = ["READY", "FAILED", "ABORTED", "EXPIRED"];

/** Return when the file is READY, and tell the last stage. Throws a {@link CloudKeepError}, or why it was stopped. */
export async function run(upload: StartedUpload): Promise<UploadResult> {
  const meter = new Meter(upload.source.size, upload.options.onProgress);
  try {
    const result = await new Run(upload, meter).result();
    meter.end("READY");
    return result;
  } catch (error) {
    const stage = hasCode(error, "ABORTED", "EXPIRED") ? error.code : "FAILED";
    // An upload that was only stopped here has not ended.
    meter.end(upload.signal.aborted && stage === "FAILED" ? null : stage);
    throw error;
  }
}

class Run {
  readonly #server: Server;
  readonly #width: Width;

  constructor(
    private readonly upload: StartedUpload,
    private readonly meter: Meter,
  ) {
    this.#server = upload.server;
    this.#width = new Width(upload.options.parallel ?? 4, performance.now());
  }

  async result(): Promise<UploadResult> {
    const { upload, meter } = this;
    const { options, source } = upload;
    const name = nameOf(source, options);
    const digests = await digestsOf(source, options, meter, upload.signal);
    const input = { ...inputOf(source, name, options), ...digests };
    const beginning = new Beginning(this.#server, input, options, keyOf(source, name, options), meter);
    for (;;) {
      const begun = await beginning.next(this.#patiently());
      const known = begun.status === "READY";
      upload.id = begun.id;
      options.onStarted?.({ id: begun.id, known });
      try {
        const state = await this.#finish(begun, "sha256" in input);
        if (state.status === "READY") return await this.#ready(state, known);
        if (state.status !== "EXPIRED" || options.idempotencyKey) throw failureOf(state);
      } catch (error) {
        if (!hasCode(error, "SLOT_CONFLICT") || options.idempotencyKey) throw error;
        // The server has bytes of another state of this file, which nobody can complete any more.
        await upload.abortOnServer(begun.id).catch(() => {});
      }
    }
  }

  /** Send what is missing and follow the upload until it ends. `isProven`: the server knows the digest of the file. */
  async #finish(state: UploadState, isProven: boolean): Promise<UploadState> {
    let needsProof = !isProven && !state.direct && state.receivedChunks > 0;
    for (let rounds = 0; !ENDS.includes(state.status); state = await this.#look(state.id)) {
      if (state.status !== "RECEIVING") {
        await this.#follow(state.id);
        continue;
      }
      const signal = await this.upload.sending(() => this.meter.wait("PAUSED", null));
      try {
        if (needsProof) await this.#send(state, signal, true);
        needsProof = false;
        if (await this.#send(state, signal)) rounds++;
        else await delay(LOOK_SECONDS, signal);
      } catch (error) {
        this.upload.signal.throwIfAborted();
        // It was paused, and may go on already.
        if (!signal.aborted) throw error;
      }
      if (rounds > MAX_ROUNDS) {
        throw new CloudKeepError("CHECKSUM_MISMATCH", "Chunks were damaged on the server again and again.");
      }
    }
    return state;
  }

  /** Send what is missing, or only one chunk that the server has. Returns the number of chunks. */
  #send(state: UploadState, signal: AbortSignal, isProof = false): Promise<number> {
    const { meter } = this;
    const { request, origin, fetch } = this.#server;
    const { options, source } = this.upload;
    const patiently = this.#patiently(signal);
    const digest = options.hash === "none" && !state.direct ? null : chunkDigest(options.hasher, signal);
    if (state.direct && !digest) throw new CloudKeepError("INVALID_INPUT", "Direct uploads need https, or a hasher.");
    const report = state.direct ? reportsOf(request, state.id, patiently) : null;
    const onSent = (index: number, bytes: number) => void (isProof || meter.move(index, bytes));
    const chunks = { source, origin, put: putBy(fetch), signal, digest, report, onSent };
    meter.begin("RECEIVING", state.receivedBytes);
    if (isProof) {
      const silent = { settle() {}, wait: meter.wait.bind(meter) };
      return new Sender(chunks, silent, this.#width).send(new ReceivedSlot(request, state.id, patiently));
    }
    const slots = new MissingSlots(request, state.id, patiently, ({ index, size }) => meter.settle(index, size));
    return new Sender(chunks, meter, this.#width).send(slots);
  }

  /** Return when the server may have finished the upload, or needs chunks again. */
  async #follow(id: string): Promise<void> {
    const { signal, options } = this.upload;
    const feed = options.feed ?? ((...given) => progressOf(this.#server, ...given));
    try {
      for await (const progress of feed(id, AbortSignal.any([signal, AbortSignal.timeout(FEED_LIFETIME)]))) {
        this.meter.follow(progress);
        if (progress.stage === "RECEIVING" || ENDS.includes(progress.stage)) return;
      }
    } catch {
      // The look that follows shows what is wrong.
    }
    await delay(LOOK_SECONDS, signal);
  }

  async #look(id: string): Promise<UploadState> {
    const { upload } = await this.#server.request(UPLOAD, { id }, this.#patiently());
    if (upload) return upload;
    throw new CloudKeepError("NOT_FOUND", "The server no longer knows this upload.");
  }

  async #ready({ id, error }: UploadState, known: boolean): Promise<UploadResult> {
    try {
      const { upload } = await this.#server.request(UPLOADED_FILE, { id }, this.#patiently());
      return { uploadId: id, fileId: upload?.file?.id ?? null, known, error };
    } catch (refusal) {
      // The token may be one that can upload files and not read them.
      if (!hasCode(refusal, "FORBIDDEN")) throw refusal;
      return { uploadId: id, fileId: null, known, error };
    }
  }

  /** Options for requests that can be repeated, and that wait until the server can be reached. */
  #patiently(signal = this.upload.signal): RequestOptions {
    const onWait = ({ code, retryAfter }: Wait) => this.meter.wait(code, retryAfter);
    return { signal, idempotent: true, attempts: Infinity, onWait };
  }
}

async function* progressOf(server: Server, id: string, signal: AbortSignal): AsyncGenerator<ServerProgress> {
  for await (const { uploadProgress } of server.subscribe(UPLOAD_PROGRESS, { id }, { signal })) yield uploadProgress;
}

function failureOf({ status, error }: UploadState): CloudKeepError {
  if (status === "FAILED" && error) return new CloudKeepError(error.code, error.message);
  return new CloudKeepError(status, `The upload is ${status}.`);
}
