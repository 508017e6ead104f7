/** Small files: one request starts the uploads of a group, and another one sends their bytes. */
import { problemOf } from "../answers";
import { CloudKeepError, hasCode } from "../errors";
import { unreachable, type RequestOptions } from "../requests";
import { asked, delay } from "../waiting";
import { inputOf } from "./beginning";
import { keyOf, nameOf } from "./identity";
import { INIT_UPLOADS, UPLOADS } from "./operations";
import type { FileToUpload, UploadGroupOptions, UploadResult } from "./options";
import type { Server } from "./upload";

/** What the server accepts at once: files, and bytes of each. */
export const MAX_FILES = 100;
const MAX_BYTES = 64 * 1024;
/** Seconds until the first look at a group that the server verifies, the most until the next one, and in all. */
const LOOK_SECONDS = 0.2;
const LONGEST_PAUSE = 2;
const MAX_SECONDS = 60;
const UNDER_WAY = ["REASSEMBLING", "COMPRESSING"];

/** Whether a file can be sent with others. */
export function isSmall({ source, options = {} }: FileToUpload): boolean {
  return source.size <= MAX_BYTES && !options.compress && !options.direct && options.hash !== "file";
}

/** Results of the files that were stored. The others are null: they need an upload of their own, which goes on. */
export async function sendGroup(
  server: Server,
  files: readonly FileToUpload[],
  { signal, onStarted, onWait }: UploadGroupOptions = {},
): Promise<(UploadResult | null)[]> {
  const options = { signal, onWait, idempotent: true, attempts: Infinity } as RequestOptions;
  try {
    const uploads = files.map(({ source, options: each = {} }) => {
      const name = nameOf(source, each);
      return { ...inputOf(source, name, each), idempotencyKey: keyOf(source, name, each)(1) };
    });
    const { payload } = await server.request(INIT_UPLOADS, { input: { uploads } }, options);
    const started = payload.results.map(({ upload }) => upload);
    onStarted?.(started.map((upload) => upload?.id ?? null));
    const form = new FormData();
    started.forEach((upload, position) => {
      const source = files[position]?.source;
      const isOpen = upload?.status === "RECEIVING" && !upload.direct;
      if (isOpen && upload.slot && source) form.append(upload.slot.url, source.slice(), "chunk");
    });
    if ([...form.keys()].length) await post(server, form, options);
    // An upload that was READY before is looked at again, since its caller may want it repeated.
    const sent = started.map((upload) => (upload && upload.status !== "READY" ? upload.id : null));
    const stored = await wait(
      server,
      sent.filter((id) => id !== null),
      options,
    );
    return sent.map((id) => (id && stored.get(id)) || null);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof CloudKeepError) return files.map(() => null);
    throw error;
  }
}

async function post(server: Server, body: FormData, { signal, onWait }: RequestOptions): Promise<void> {
  const send = server.fetch ?? globalThis.fetch;
  for (;;) {
    const response = await send(`${server.origin}/uploads/chunks`, {
      method: "POST",
      body,
      signal: signal ?? null,
    }).catch((error: unknown) => Promise.reject(unreachable(error)));
    if (response.ok) return;
    const header = (name: string) => response.headers.get(name);
    const error = problemOf({ status: response.status, header, text: await response.text() });
    if (!hasCode(error, "RATE_LIMITED") || error.retryAfter === null) throw error;
    const retryAfter = asked(error.retryAfter);
    onWait?.({ code: error.code, retryAfter });
    await delay(retryAfter, signal);
  }
}

/** The results of those that the server has stored, by their IDs. */
async function wait(server: Server, ids: string[], options: RequestOptions): Promise<Map<string, UploadResult>> {
  const results = new Map<string, UploadResult>();
  const until = performance.now() + MAX_SECONDS * 1000;
  for (
    let pause = LOOK_SECONDS;
    ids.length && performance.now() < until;
    pause = Math.min(1.5 * pause, LONGEST_PAUSE)
  ) {
    await delay(pause, options.signal);
    const { uploads } = await server.request(UPLOADS, { ids }, options);
    const found = uploads.filter((upload) => upload !== null);
    for (const { id, status, error, file } of found) {
      if (status === "READY") results.set(id, { uploadId: id, fileId: file?.id ?? null, known: false, error });
    }
    ids = found.filter(({ status }) => UNDER_WAY.includes(status)).map(({ id }) => id);
  }
  return results;
}
