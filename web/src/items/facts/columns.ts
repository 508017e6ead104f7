/** The facts of items, as lists show them. */
import type { ItemOrder } from "../../api/generated/graphql";
import type { Item } from "../../drive/items.svelte";
import { formatSize } from "../../format/size";
import { formatLength, formatMoment } from "../../format/time";
import { FILES } from "../../text/files";
import { kindOf } from "./kinds";

/** A column of a list. */
export interface Column {
  label: string;
  text: (item: Item) => string;
  /** The order that the column's head chooses. */
  field?: ItemOrder["field"];
  /** Shown on wide screens only. */
  isWide?: boolean;
}

/** The size of a file, or the number of items in a folder. */
export function sizeOf(item: Item): string {
  return item.__typename === "File" ? formatSize(item.size) : FILES.items(item.itemCount);
}

/** The length of a film or a piece of music; empty for anything else. */
export function lengthOf(item: Item): string {
  const seconds = item.__typename === "File" ? item.media?.duration : null;
  return seconds ? formatLength(seconds) : "";
}

export const COLUMNS: readonly Column[] = [
  { label: FILES.kind, text: kindOf, isWide: true },
  { label: FILES.size, text: sizeOf, field: "SIZE" },
  { label: FILES.changed, text: (item) => formatMoment(item.updatedAt), field: "UPDATED_AT" },
];
