/** Sends the bytes of one slot. */
import { text } from "../text";

/** Attempts for one slot, and the longest pause between two of them in seconds if the server names none. */
const ATTEMPTS = 6;
const LONGEST_PAUSE = 16;

interface Options {
  /** Hears how many of the bytes have been sent. */
  onProgress: (bytes: number) => void;
  signal: AbortSignal;
}

/** Sends bytes to the signed URL of a slot, again if that helps. Rejects with the server's reason. */
export async function put(url: string, bytes: Blob, { onProgress, signal }: Options): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const response = await send(ownUrl(url), bytes, onProgress, signal);
    if (response.status === 200) return;
    if (attempt === ATTEMPTS || !isWorthRepeating(response)) throw new Error(response.reason);
    onProgress(0);
    await pause(response.retryAfter ?? Math.min(LONGEST_PAUSE, 2 ** (attempt - 1)), signal);
  }
}

/** The URL on the origin of this page, whose name for the server may be another. The signature covers the path. */
function ownUrl(url: string): string {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

interface Response {
  /** The HTTP status; 0 if there was no answer. */
  status: number;
  reason: string;
  code?: string;
  retryAfter?: number;
}

const isWorthRepeating = ({ status, code, retryAfter }: Response): boolean =>
  status === 0 || status >= 500 || status === 408 || code === "SLOT_BUSY" || retryAfter !== undefined;

/** `fetch` does not tell how much it has sent. */
function send(url: string, bytes: Blob, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => resolve(responseOf(request));
    request.onerror = () => resolve({ status: 0, reason: text.files.noAnswer });
    request.onabort = () => reject(new DOMException(text.files.stopped, "AbortError"));
    request.onloadend = () => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort);
    request.open("PUT", url);
    request.send(bytes);
    if (signal.aborted) abort();
  });
}

function responseOf(request: XMLHttpRequest): Response {
  const { detail, code } = problemOf(request.responseText);
  const retryAfter = request.getResponseHeader("Retry-After");
  return {
    status: request.status,
    reason: detail ?? text.files.status(request.status),
    ...(code !== undefined && { code }),
    ...(retryAfter !== null && { retryAfter: Number(retryAfter) || 1 }),
  };
}

function problemOf(body: string): { detail?: string; code?: string } {
  try {
    return JSON.parse(body) as { detail?: string; code?: string };
  } catch {
    return {};
  }
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException(text.files.stopped, "AbortError"));
    });
  });
}
