/** PUT of one chunk. XMLHttpRequest tells how much has left; fetch does not, but Node has only that. */
import type { HttpAnswer } from "../../answers";
import { unreachable } from "../../requests";

export interface ChunkRequest {
  url: string;
  body: Blob;
  headers: Record<string, string>;
  signal: AbortSignal;
  /** Called with the bytes that have left. */
  onSent: (bytes: number) => void;
}

/** Rejects with NETWORK if there is no answer. */
export type Put = (request: ChunkRequest) => Promise<HttpAnswer>;

/** Milliseconds without any progress after which a connection counts as lost. */
const SILENCE = 120_000;
/** Bytes per millisecond of the slowest line that fetch waits for. */
const SLOWEST = 16;

export function putBy(fetch: typeof globalThis.fetch | undefined): Put {
  return fetch || typeof XMLHttpRequest === "undefined" ? byFetch(fetch ?? globalThis.fetch) : byXhr;
}

function byFetch(fetch: typeof globalThis.fetch): Put {
  return async ({ url, body, headers, signal }) => {
    const limit = AbortSignal.timeout(SILENCE + body.size / SLOWEST);
    try {
      const response = await fetch(url, { method: "PUT", body, headers, signal: AbortSignal.any([signal, limit]) });
      const text = await response.text();
      return { status: response.status, header: (name) => response.headers.get(name), text };
    } catch (error) {
      signal.throwIfAborted();
      throw unreachable(error);
    }
  };
}

const byXhr: Put = async ({ url, body, headers, signal, onSent }) => {
  signal.throwIfAborted();
  const xhr = new XMLHttpRequest();
  const stop = () => xhr.abort();
  let silence = setTimeout(stop, SILENCE);
  signal.addEventListener("abort", stop);
  try {
    await new Promise<void>((resolve, reject) => {
      xhr.open("PUT", url);
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
      xhr.upload.onprogress = ({ loaded }) => {
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE);
        onSent(loaded);
      };
      xhr.onload = () => resolve();
      xhr.onerror = xhr.onabort = () => reject(unreachable(null));
      xhr.send(body);
    });
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", stop);
    signal.throwIfAborted();
  }
  return { status: xhr.status, header: (name) => xhr.getResponseHeader(name), text: xhr.responseText };
};
