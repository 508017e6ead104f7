/** SHA-256 of parts of a file. */
import type { Hasher } from "../options";

/** Whether this context can hash by itself: browsers can on https and on loopback addresses. */
const canHash = () => Boolean(globalThis.crypto?.subtle);

/** A function for the SHA-256 of a chunk, or null if there is no way to compute it. */
export function chunkDigest(hasher: Hasher | undefined, signal: AbortSignal) {
  if (canHash())
    return async (chunk: Blob) => new Uint8Array(await crypto.subtle.digest("SHA-256", await chunk.arrayBuffer()));
  if (!hasher) return null;
  return async (chunk: Blob) => {
    const { sha256 } = await hasher(chunk, { chunkSize: chunk.size, signal, onProgress() {} });
    return Uint8Array.from(sha256.match(/../g) ?? [], (digits) => parseInt(digits, 16));
  };
}

export const toHex = (digest: Uint8Array) => Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The header for a body with this digest (RFC 9530). */
export const contentDigest = (digest: Uint8Array) => ({
  "Content-Digest": `sha-256=:${btoa(String.fromCharCode(...digest))}:`,
});
