/** The order of items in a folder, as the server has it: folders first, and numbers in names by their value. */
import type { ItemOrder } from "../api/generated/graphql";
import type { Item } from "./items.svelte";

export const BY_NAME: ItemOrder = { field: "NAME", direction: "ASC" };

const names = new Intl.Collator("und", { numeric: true, sensitivity: "base" });

/** Compares two items of a folder. */
export function comparison(order: ItemOrder): (a: Item, b: Item) => number {
  const sign = order.direction === "ASC" ? 1 : -1;
  return (a, b) => folderFirst(a, b) || sign * (compare(order.field, a, b) || compareText(a.id, b.id));
}

function folderFirst(a: Item, b: Item): number {
  return Number(b.__typename === "Folder") - Number(a.__typename === "Folder");
}

function compare(field: ItemOrder["field"], a: Item, b: Item): number {
  switch (field) {
    case "NAME":
      return names.compare(a.name, b.name);
    case "SIZE":
      return sizeOf(a) - sizeOf(b);
    case "CREATED_AT":
      return compareText(a.createdAt, b.createdAt);
    case "UPDATED_AT":
      return compareText(a.updatedAt, b.updatedAt);
  }
}

function sizeOf(item: Item): number {
  return item.__typename === "File" ? item.size : 0;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
