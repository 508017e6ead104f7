/** How a file is shown, by its media type. */
import type { FileDetailsFragment } from "../../api/generated/graphql";

export type FileDetails = FileDetailsFragment;

export type PreviewKind = "video" | "audio" | "image" | "pdf" | "text" | "none";

/** Types that the server stores, and never shows, in a browser: see docs/drive.md. */
const NEVER = new Set(["image/svg+xml", "text/html", "text/xml", "text/javascript"]);

export function previewKindOf(mimeType: string): PreviewKind {
  if (NEVER.has(mimeType)) return "none";
  if (mimeType === "application/pdf") return "pdf";
  const [group] = mimeType.split("/");
  return group === "video" || group === "audio" || group === "image" || group === "text" ? group : "none";
}

/** Something that a player can play. */
export interface Source {
  id: string;
  mimeType: string;
  size: number;
  url: string;
}

/**
 * The original and its copies. The first one is that which the browser can play best: the original unless it says that
 * it cannot play it, and there is a copy that it can.
 */
export function sourcesOf(file: FileDetails, canPlay: (mimeType: string) => boolean): Source[] {
  const original = file.shown && { id: file.id, mimeType: file.mimeType, size: file.size, url: file.shown.url };
  const copies = file.renditions.flatMap((copy) => (copy.shown ? [{ ...copy, url: copy.shown.url }] : []));
  const all = original ? [original, ...copies] : copies;
  return all.toSorted((a, b) => Number(canPlay(b.mimeType)) - Number(canPlay(a.mimeType)));
}
