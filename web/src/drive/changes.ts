/**
 * Changes of the drive. Those that cannot fail in a surprising way are shown before the server has confirmed them; if it
 * refuses them, they are taken back and the reason is told. What can be undone says so.
 */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../api/client";
import {
  CopyItemsDocument,
  CreateFolderDocument,
  DeleteItemsDocument,
  EmptyTrashDocument,
  MoveItemsDocument,
  RenameItemDocument,
  RestoreItemsDocument,
  StarItemDocument,
  TrashItemsDocument,
  type ConflictPolicy,
} from "../api/generated/graphql";
import { reportErrors } from "../api/report-errors";
import { CHANGES } from "../text/changes";
import { describeItems } from "../text/item-names";
import { toasts } from "../ui/toasts.svelte";
import { drive } from "./drive.svelte";
import type { Folder, Item } from "./items.svelte";

/** Items that the server changes in one call. */
const MAX_ITEMS = 100;
/** These changes have the same result when they are sent twice, so a lost answer is asked for again. */
const AGAIN = { idempotent: true } as const;

/** Create a folder. Throws a `CloudKeepError`, such as ALREADY_EXISTS, for the form that asked for it. */
export async function createFolder(parentId: string, name: string): Promise<Folder | null> {
  const { createFolder } = await client.request(CreateFolderDocument, { input: { parentId, name, conflict: "FAIL" } });
  const { folder } = requireSuccess(createFolder);
  if (folder) drive.update(folder);
  return folder;
}

/** Rename an item. Throws a `CloudKeepError`, such as ALREADY_EXISTS, for the field that asked for it. */
export async function rename(item: Item, name: string): Promise<void> {
  const before = item.name;
  await sendName(item.id, name);
  done(CHANGES.renamed(name), () => sendName(item.id, before));
}

/** Star items, or remove their stars. */
export async function star(items: readonly Item[], starred: boolean): Promise<void> {
  await Promise.all(items.map((item) => starOne(item, starred)));
}

/** Move items into a folder. By default, equal names get numbers. */
export async function move(
  items: readonly Item[],
  folder: Pick<Folder, "id" | "name">,
  conflict: ConflictPolicy = "KEEP_BOTH",
): Promise<void> {
  const from = items[0]?.parent?.id;
  const isOneFolder = items.every((item) => item.parent?.id === from);
  await reportErrors(CHANGES.notMoved(describeItems(items)), async () => {
    await sendMove(items, folder.id, conflict);
    // A file that has replaced another one cannot be taken out of it again.
    const undo = from && isOneFolder && conflict !== "REPLACE" ? () => sendMove(items, from, "KEEP_BOTH") : undefined;
    done(CHANGES.moved(items.length, nameOf(items), folder.name), undo);
  });
}

/** Copy items into a folder. */
export async function copy(items: readonly Item[], folder: Pick<Folder, "id" | "name">): Promise<void> {
  await reportErrors(CHANGES.notCopied(describeItems(items)), async () => {
    const copies: Item[] = [];
    for (const itemIds of groups(items)) {
      const input = { itemIds, parentId: folder.id, conflict: "KEEP_BOTH" as const };
      copies.push(...take(requireSuccess((await client.request(CopyItemsDocument, { input })).copyItems).items));
    }
    done(CHANGES.copied(items.length, nameOf(items), folder.name), () => sendTrash(copies));
  });
}

/** Move items to the trash. */
export async function trash(items: readonly Item[]): Promise<void> {
  await reportErrors(CHANGES.notTrashed(describeItems(items)), async () => {
    await sendTrash(items);
    done(CHANGES.trashed(items.length, nameOf(items)), () => sendRestore(items));
  });
}

/** Take items out of the trash. */
export async function restore(items: readonly Item[]): Promise<void> {
  await reportErrors(CHANGES.notRestored(describeItems(items)), async () => {
    await sendRestore(items);
    done(CHANGES.restored(items.length, nameOf(items)), () => sendTrash(items));
  });
}

/** Delete items for good, in the trash or not. Throws a `CloudKeepError` for the dialog that has asked. */
export async function deleteForGood(items: readonly Item[]): Promise<void> {
  for (const itemIds of groups(items)) {
    requireSuccess((await client.request(DeleteItemsDocument, { input: { itemIds } })).deleteItems);
    for (const id of itemIds) drive.remove(id);
  }
  done(CHANGES.deleted(describeItems(items)));
}

/** Delete what is in the trash for good. The server does some of it in a call: tell how many items are gone so far. */
export async function emptyTrash(onProgress: (deleted: number) => void, signal: AbortSignal): Promise<void> {
  let deleted = 0;
  for (let isEmpty = false; !isEmpty && !signal.aborted;) {
    const { emptyTrash } = await client.request(EmptyTrashDocument, {}, { signal });
    const result = requireSuccess(emptyTrash);
    deleted += result.deletedCount ?? 0;
    onProgress(deleted);
    // What another tab has moved there since then stays.
    isEmpty = result.isEmpty || !result.deletedCount;
  }
}

/** Undo the last change that can be undone, and is still shown as such. */
export async function undoLast(): Promise<void> {
  const toast = toasts.shown.findLast((shown) => shown.action);
  await toast?.action?.run();
}

async function sendName(itemId: string, name: string): Promise<void> {
  const input = { itemId, name, conflict: "FAIL" as const };
  const { renameItem } = await client.request(RenameItemDocument, { input }, AGAIN);
  take([requireSuccess(renameItem).item]);
}

async function starOne(item: Item, starred: boolean): Promise<void> {
  const takeBack = drive.items.change(item.id, { starred });
  const isDone = await reportErrors(CHANGES.notStarred(describeItems([item])), async () => {
    const { starItem } = await client.request(StarItemDocument, { input: { itemId: item.id, starred } }, AGAIN);
    take([requireSuccess(starItem).item]);
  });
  if (!isDone) takeBack();
}

async function sendMove(items: readonly Item[], parentId: string, conflict: ConflictPolicy): Promise<void> {
  for (const itemIds of groups(items)) {
    const { moveItems } = await client.request(MoveItemsDocument, { input: { itemIds, parentId, conflict } }, AGAIN);
    take(requireSuccess(moveItems).items);
  }
}

async function sendTrash(items: readonly Item[]): Promise<void> {
  for (const itemIds of groups(items)) {
    take(requireSuccess((await client.request(TrashItemsDocument, { input: { itemIds } }, AGAIN)).trashItems).items);
  }
}

async function sendRestore(items: readonly Item[]): Promise<void> {
  for (const itemIds of groups(items)) {
    take(
      requireSuccess((await client.request(RestoreItemsDocument, { input: { itemIds } }, AGAIN)).restoreItems).items,
    );
  }
}

function take(items: readonly (Item | null)[]): Item[] {
  const changed = items.filter((item) => item !== null);
  for (const item of changed) drive.update(item);
  return changed;
}

function* groups(items: readonly Item[]): Generator<string[]> {
  for (let start = 0; start < items.length; start += MAX_ITEMS) {
    yield items.slice(start, start + MAX_ITEMS).map((item) => item.id);
  }
}

function nameOf(items: readonly Item[]): string {
  return items[0]?.name ?? "";
}

/** Tell that something was done, and how it is undone. */
function done(text: string, undo?: () => Promise<void>): void {
  if (!undo) return toasts.show({ text, kind: "done" });
  const toast = {
    text,
    kind: "done" as const,
    action: {
      label: CHANGES.undo,
      run: async () => {
        toasts.dismiss(toast);
        await reportErrors(CHANGES.notUndone, undo);
      },
    },
  };
  toasts.show(toast);
}
