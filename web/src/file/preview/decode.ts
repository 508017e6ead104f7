/** The text of bytes whose encoding nobody has told. */

/** What Windows wrote before Unicode; it has a character for almost every byte. */
const FALLBACK = "windows-1252";

/** @param isCut Whether more bytes follow: then the last character may be incomplete. */
export function decodeText(bytes: Uint8Array<ArrayBuffer>, isCut: boolean): string {
  const marked = markedEncoding(bytes);
  if (marked) return new TextDecoder(marked).decode(bytes, { stream: isCut });
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    return new TextDecoder(FALLBACK).decode(bytes);
  }
}

/** The encoding that a byte order mark tells. */
function markedEncoding([first, second]: Uint8Array): string | null {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return null;
}
