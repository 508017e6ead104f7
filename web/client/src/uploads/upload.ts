import type { Request } from "../requests";
import type { Subscribe } from "../subscriptions";
import type { Upload, UploadOptions } from "./options";

/** What an upload needs of its client. */
export interface Server {
  origin: string;
  request: Request;
  subscribe: Subscribe;
  fetch: typeof globalThis.fetch | undefined;
}

export declare function startUpload(server: Server, source: Blob, options: UploadOptions): Upload;
