import { requests, type Request } from "./requests";
import { sessionOf, type Auth } from "./session";
import { subscriptions, type Connection, type Subscribe } from "./subscriptions";
import type {
  FileToUpload,
  Upload,
  UploadAllOptions,
  UploadGroupOptions,
  UploadOptions,
  UploadResult,
} from "./uploads/options";
import { StartedUpload } from "./uploads/upload";
import type { Wait } from "./waiting";

export interface ClientOptions {
  /** Where CloudKeep is, such as `https://cloud.example.org`. By default it is the page's own origin. */
  url?: string;
  auth: Auth;
  fetch?: typeof globalThis.fetch;
  /** Called when the client waits, and goes on by itself. */
  onWait?: (wait: Wait) => void;
  /** Called when the connection of subscriptions changes. */
  onConnection?: (connection: Connection) => void;
  /**
   * Called when the session has ended, once for all requests that find out together. They are sent again when it
   * resolves, and fail when it rejects.
   */
  onSignedOut?: () => Promise<void>;
}

export interface Client {
  /** The result of an operation. Waits while the budget is used up; throws a `CloudKeepError`. */
  request: Request;
  /** The events of a subscription, until it ends or `signal` aborts. It survives lost connections. */
  subscribe: Subscribe;
  /** Send a file, or go on with an upload of it that was interrupted. */
  upload: (source: Blob, options?: UploadOptions) => Upload;
  /**
   * Send many files, and return when each was stored or refused. Small ones are sent in groups, which is faster than
   * each by itself. It takes the files as it needs them.
   */
  uploadAll: (files: Iterable<FileToUpload>, options?: UploadAllOptions) => Promise<void>;
  /**
   * Send up to 100 files of at most 64 KiB by three requests. Returns the results of those that were stored, in the same
   * order; the others are null: they need an upload of their own, which goes on, or tells why it was refused.
   */
  uploadGroup: (files: readonly FileToUpload[], options?: UploadGroupOptions) => Promise<(UploadResult | null)[]>;
  /** Close the WebSocket. */
  close: () => Promise<void>;
}

export function createClient(options: ClientOptions): Client {
  const origin = (options.url ?? globalThis.location.origin).replace(/\/+$/, "");
  const session = sessionOf(options.auth, options.onSignedOut);
  const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
  const request = requests(origin, session, fetch, options.onWait);
  const socket = subscriptions(`${origin.replace(/^http/, "ws")}/graphql`, session, options);
  const { subscribe } = socket;
  const server = { origin, request, subscribe, fetch: options.fetch };
  return {
    request,
    subscribe,
    upload: (source, choices = {}) => new StartedUpload(server, source, choices),
    uploadAll: async (files, choices = {}) => (await import("./uploads/many")).uploadAll(server, files, choices),
    uploadGroup: async (files, choices) => (await import("./uploads/small")).sendGroup(server, files, choices),
    close: () => socket.close(),
  };
}
