/** The queue of this page. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import { AbortUploadDocument, UploadStatusDocument } from "../../api/generated/graphql";
import { drive } from "../../drive/drive.svelte";
import { compression } from "../compression.svelte";
import type { Database } from "../resume/database";
import { grantedFile } from "../resume/handles";
import { ProgressFeed } from "./progress";
import { recordsIn } from "../resume/records";
import { aliveTabs, alone, thisTab } from "../resume/tabs";
import { UploadQueue } from "./upload-queue";

export type { Entry } from "./plan";

/** Where the browser refuses to store anything, already the name `indexedDB` may throw. */
const database: Database = { open: (...given) => indexedDB.open(...given) };

/** The progress of uploads, also of those outside the queue. */
export const feed = new ProgressFeed();
drive.onUpload((event) => feed.take(event));

export const queue = new UploadQueue({
  send: client.upload,
  sendGroup: client.uploadGroup,
  maxGrouped: 64 * 1024,
  feed: (uploadId, signal) => feed.of(uploadId, signal),
  async look(id, signal) {
    const { upload } = await client.request(UploadStatusDocument, { id }, { signal, attempts: Infinity });
    return upload && { ...upload, fileId: upload.file?.id ?? null };
  },
  async abort(uploadId) {
    const { abortUpload } = await client.request(AbortUploadDocument, { input: { uploadId } }, { idempotent: true });
    requireSuccess(abortUpload);
  },
  alone,
  fileOf: grantedFile,
  compressionOf: (file) => compression.of(file),
  recordsOf: async (accountId) => recordsIn(database, accountId, await thisTab(), aliveTabs),
});
