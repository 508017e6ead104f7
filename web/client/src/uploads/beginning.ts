/** Starts an upload, or finds the one that an earlier call has started. */
import { CloudKeepError, hasCode, requireSuccess } from "../errors";
import type { RequestOptions } from "../requests";
import { asked, delay } from "../waiting";
import { keyOf } from "./identity";
import type { Meter } from "./meter";
import { INIT_UPLOAD, type UploadState } from "./operations";
import type { UploadOptions } from "./options";
import type { Server } from "./upload";

/** Above this size, hashing the whole file first would take longer than it is worth. */
const MOST_TO_HASH = 256 * 1024 * 1024;
const DEFAULT_CHUNK_SIZE = 16 * 1024 * 1024;
/** Seconds until a server that has no room is asked again. */
const NO_ROOM_SECONDS = 30;
const MAX_ATTEMPTS = 100;

/** The input of `initUpload` without a key and without digests. */
export function inputOf(source: Blob, name: string, options: UploadOptions): Record<string, unknown> {
  const { parentId, relativePath, conflict, compress, direct, chunkSize, mimeType = source.type } = options;
  const about = { fileName: name, size: source.size, mimeType: mimeType || null, chunkSize };
  return { ...about, parentId, relativePath, conflict, compress, direct };
}

/** The digests in the input of `initUpload`: none, unless the caller wants the file to be hashed. */
export async function digestsOf(
  source: Blob,
  { hash, hasher, chunkSize = DEFAULT_CHUNK_SIZE }: UploadOptions,
  meter: Meter,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  if (hash !== "file" || !hasher || source.size >= MOST_TO_HASH) return {};
  meter.begin("HASHING", 0);
  const digests = await hasher(source, { chunkSize, signal, onProgress: (bytes) => meter.move(0, bytes) });
  return { chunkSize, sha256: digests.sha256, chunkHashes: digests.chunks };
}

export class Beginning {
  #attempt = 0;

  constructor(
    private readonly server: Server,
    private readonly input: Record<string, unknown>,
    private readonly options: UploadOptions,
    private readonly key: ReturnType<typeof keyOf>,
    private readonly meter: Meter,
  ) {}

  /** The next upload of this file: the first that has not ended. Waits while the server has no room. */
  async next(requestOptions: RequestOptions): Promise<UploadState> {
    const { idempotencyKey, conflict, repeat = conflict === "REPLACE" } = this.options;
    for (;;) {
      this.#attempt++;
      const isLast = idempotencyKey !== undefined || this.#attempt >= MAX_ATTEMPTS;
      try {
        const upload = await this.#init(requestOptions);
        const hasEnded = ["ABORTED", "EXPIRED", "FAILED"].includes(upload.status);
        if (isLast || !(hasEnded || (repeat && upload.status === "READY"))) return upload;
      } catch (error) {
        // The key belongs to another file.
        if (isLast || !hasCode(error, "IDEMPOTENCY_CONFLICT")) throw error;
      }
    }
  }

  async #init(requestOptions: RequestOptions): Promise<UploadState> {
    const input = { ...this.input, idempotencyKey: this.key(this.#attempt) };
    for (;;) {
      try {
        const { payload } = await this.server.request(INIT_UPLOAD, { input }, requestOptions);
        const { upload } = requireSuccess(payload);
        if (upload) return upload;
        throw new CloudKeepError("INTERNAL", "The server returned no upload.");
      } catch (error) {
        if (!hasCode(error, "STORAGE_FULL", "TOO_MANY_UPLOADS")) throw error;
        const seconds = asked(error.retryAfter ?? NO_ROOM_SECONDS);
        this.meter.wait(error.code, seconds);
        await delay(seconds, requestOptions.signal);
      }
    }
  }
}
