export { createClient, type Client, type ClientOptions } from "./client";
export type { TypedDocument } from "./documents";
export { CloudKeepError, hasCode, requireSuccess, type UserError } from "./errors";
export type { RequestOptions } from "./requests";
export type { Auth } from "./session";
export type { Connection } from "./subscriptions";
export type {
  Digests,
  FileToUpload,
  Hasher,
  Progress,
  ServerProgress,
  Stage,
  Upload,
  UploadAllOptions,
  UploadGroupOptions,
  UploadOptions,
  UploadResult,
} from "./uploads/options";
export type { Wait } from "./waiting";
