/** The order of items in a folder, as the server has it: folders first, and numbers in names by their value. */
import type { ItemOrder } from "../api/generated/graphql";
import type { Item } from "./items.svelte";

export const BY_NAME: ItemOrder = { field: "NAME", direction: "ASC" };

/** A name is compared with many others when an item finds its place. */
const keys = new WeakMap<Item, string>();

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
      return compareText(nameKey(a), nameKey(b));
    case "SIZE":
      return compareSizes(a, b);
    case "CREATED_AT":
      return compareText(a.createdAt, b.createdAt);
    case "UPDATED_AT":
      return compareText(a.updatedAt, b.updatedAt);
  }
}

/** Folders have no size: they are in the order of their names. */
function compareSizes(a: Item, b: Item): number {
  if (a.__typename === "File" && b.__typename === "File") return a.size - b.size;
  return compareText(nameKey(a), nameKey(b));
}

/** The text that orders a name, as `storage/drive/names.py` makes it: languages order names differently, but a list is one. */
function nameKey(item: Item): string {
  let key = keys.get(item);
  if (key === undefined) keys.set(item, (key = makeKey(item.name)));
  return key;
}

function makeKey(name: string): string {
  const folded = name.normalize("NFC").toLowerCase().replaceAll("ß", "ss").normalize("NFC");
  return `${folded.replace(/[0-9]+/g, number)}\0${name}`;
}

/** A number by its value; it stays before letters. */
function number(digits: string): string {
  const significant = digits.replace(/^0+(?=.)/, "");
  return `0${String(significant.length).padStart(3, "0")}${significant}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
