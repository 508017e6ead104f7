/** The idempotency key of an upload, by which a later call finds it again. */
import type { UploadOptions } from "./options";

/** The name that the file will have. */
export function nameOf(source: Blob, { name }: UploadOptions): string {
  return name ?? ("name" in source ? String(source.name) : "file");
}

/**
 * A function that makes the key for each attempt: a key serves one upload, so the next one needs another.
 *
 * A blob that is no file has nothing that tells it from another one, so its keys are random.
 */
export function keyOf(source: Blob, name: string, options: UploadOptions): (attempt: number) => string {
  const { idempotencyKey, parentId, relativePath, conflict, compress } = options;
  const modified =
    "lastModified" in source ? source.lastModified : crypto.getRandomValues(new Uint32Array(2)).join("-");
  const place = hash(JSON.stringify([name.normalize(), parentId ?? null, relativePath ?? "", conflict, compress]));
  const key = ["web", source.size, String(modified), place].join("-");
  return (attempt) => idempotencyKey ?? `${key}-${attempt}`;
}

/** 64 bits that differ for different texts. The server compares the name and the folder, so no attack gains from it. */
function hash(text: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code ^ (high >>> 15), 1597334677);
  }
  return (high >>> 0).toString(36) + (low >>> 0).toString(36);
}
