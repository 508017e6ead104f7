/** A queue for tests, with a server that does what the test says. */
import {
  CloudKeepError,
  type FileToUpload,
  type Progress,
  type Upload,
  type UploadGroupOptions,
  type UploadOptions,
  type UploadResult,
} from "@cloudkeep/client";

import type { Entry } from "./plan";
import type { Records, UploadRecord } from "../resume/records";
import type { KnownUpload, Services } from "./dependencies";
import { UploadQueue } from "./upload-queue";

/** An upload of which the test decides how it goes on. */
export class FakeUpload implements Upload {
  id: string | null = null;
  isPaused = false;
  /** What `abort` throws. */
  refusal: CloudKeepError | null = null;
  readonly #end = Promise.withResolvers<UploadResult>();
  readonly done = this.#end.promise;

  constructor(
    readonly file: Blob,
    readonly options: UploadOptions,
  ) {
    this.done.catch(() => {});
  }

  get name(): string {
    return (this.file as File).name;
  }

  start(id: string): void {
    this.id = id;
    this.options.onStarted?.({ id, known: false });
  }

  tell(progress: Partial<Progress>): void {
    const nothing = { speed: null, eta: null, waitsFor: null, retryAfter: null };
    const { size } = this.file;
    this.options.onProgress?.({ stage: "RECEIVING", percent: 0, sent: 0, size, ...nothing, ...progress });
  }

  async finish(): Promise<void> {
    this.#end.resolve({ uploadId: this.id ?? "", fileId: `file-${this.name}`, known: false, error: null });
    await settled();
  }

  async fail(code: string): Promise<void> {
    this.#end.reject(new CloudKeepError(code, "It has failed."));
    await settled();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  abort(): Promise<void> {
    if (this.refusal) return Promise.reject(this.refusal);
    this.#end.reject(new CloudKeepError("ABORTED", "The upload was aborted."));
    return Promise.resolve();
  }
}

/** A group of which the test decides what becomes of it. */
export class FakeGroup {
  readonly #end = Promise.withResolvers<(UploadResult | null)[]>();
  readonly done = this.#end.promise;

  constructor(
    readonly files: readonly FileToUpload[],
    readonly options: UploadGroupOptions,
  ) {}

  get names(): string[] {
    return this.files.map(({ source }) => (source as File).name);
  }

  /** The server stores all files but these. */
  async finish(...refused: string[]): Promise<void> {
    const result = (name: string) => ({ uploadId: name, fileId: `file-${name}`, known: false, error: null });
    this.#end.resolve(this.names.map((name) => (refused.includes(name) ? null : result(name))));
    await settled();
  }
}

export class Stand {
  readonly groups: FakeGroup[] = [];
  readonly sent: FakeUpload[] = [];
  readonly records = new Map<string, UploadRecord>();
  readonly aborted: string[] = [];
  readonly known = new Map<string, KnownUpload>();
  /** Keys of files that another tab sends, with what lets this one go on. */
  readonly elsewhere = new Map<string, Promise<void>>();
  readonly queue: UploadQueue;

  constructor(changes: Partial<Services> = {}) {
    this.queue = new UploadQueue({
      send: (file, options) => {
        const upload = new FakeUpload(file, options ?? {});
        this.sent.push(upload);
        return upload;
      },
      sendGroup: (files, options) => {
        const group = new FakeGroup(files, options ?? {});
        this.groups.push(group);
        return group.done;
      },
      maxGrouped: 0,
      feed: async function* () {},
      look: (id) => Promise.resolve(this.known.get(id) ?? null),
      abort: (id) => Promise.resolve(void this.aborted.push(id)),
      alone: async (key, _, onBusy, work) => {
        const turn = this.elsewhere.get(key);
        if (turn) onBusy();
        await turn;
        return work();
      },
      fileOf: () => Promise.resolve(null),
      compressionOf: () => null,
      recordsOf: () => Promise.resolve(this.#store),
      ...changes,
    });
  }

  get #store(): Records {
    return {
      put: (records) => Promise.resolve(records.forEach((record) => this.records.set(record.key, record))),
      remove: (keys) => Promise.resolve(keys.forEach((key) => this.records.delete(key))),
      forget: () => Promise.resolve(this.records.clear()),
      claim: () => Promise.resolve([...this.records.values()]),
    };
  }

  /** The upload of this file that is sent. */
  sending(name: string): FakeUpload {
    const upload = this.sent.findLast((each) => each.name === name);
    if (!upload) throw new Error(`${name} is not sent.`);
    return upload;
  }

  /** The upload of this file in the queue. */
  listed(name: string) {
    const upload = this.queue.lists.rows.find((each) => each.name === name);
    if (!upload) throw new Error(`${name} is not in the list.`);
    return upload;
  }

  states(): Record<string, string> {
    return Object.fromEntries(this.queue.lists.rows.map(({ name, state }) => [name, state]));
  }
}

export function entry(name: string, content = "content", lastModified = 1): Entry {
  return { file: new File([content], name, { lastModified }), relativePath: null };
}

/** Wait until all promises that can go on have done so. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 10; turns++) await Promise.resolve();
}
