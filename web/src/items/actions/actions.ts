/** What can be done with items. Menus, the bar of a selection and keys have the same actions. */
import CopyIcon from "@lucide/svelte/icons/copy";
import DownloadIcon from "@lucide/svelte/icons/download";
import FolderIcon from "@lucide/svelte/icons/folder-input";
import LinkIcon from "@lucide/svelte/icons/link";
import OpenIcon from "@lucide/svelte/icons/folder-open";
import PencilIcon from "@lucide/svelte/icons/pencil";
import StarIcon from "@lucide/svelte/icons/star";
import StarOffIcon from "@lucide/svelte/icons/star-off";
import TrashIcon from "@lucide/svelte/icons/trash-2";
import type { Component } from "svelte";

import { star, trash } from "../../drive/changes";
import type { Item } from "../../drive/items.svelte";
import { router } from "../../navigation/router.svelte";
import { pathOf, type Route } from "../../navigation/routes";
import { ACTIONS } from "../../text/files";
import { toasts } from "../../ui/toasts.svelte";
import { download } from "./download";
import { needingServer } from "./obstacle";

export interface Action {
  label: string;
  icon: Component;
  /** The key that does it in a list, as `KeyboardEvent.key` has it. */
  key?: string;
  /** The key as it is shown. */
  keys?: string;
  isDanger?: boolean;
  /** Why it cannot be done now. */
  obstacle?: string | null;
  /** Also on the bar of a selection. */
  isOnBar?: boolean;
  run: () => void;
}

/** The actions for some items, in groups. */
export type ActionsOf = (items: readonly Item[]) => Action[][];

/** What needs more of a page than the items. */
export interface Dialogs {
  rename: (item: Item) => void;
  move: (items: readonly Item[]) => void;
  copy: (items: readonly Item[]) => void;
}

export function routeOf(item: Item): Route {
  return { page: item.__typename === "Folder" ? "folder" : "file", id: item.id };
}

/** The actions for items that are in a folder. */
export function itemActions(items: readonly Item[], dialogs: Dialogs): Action[][] {
  return [
    [...forOne(items, dialogs), needingServer(downloadOf(items))],
    placing(items, dialogs).map(needingServer),
    [needingServer(trashing(items))],
  ];
}

function forOne(items: readonly Item[], { rename }: Dialogs): Action[] {
  const [item] = items;
  if (!item || items.length > 1) return [];
  return [
    { label: ACTIONS.open, icon: OpenIcon, keys: "Enter", run: () => router.go(routeOf(item)) },
    needingServer({ label: ACTIONS.rename, icon: PencilIcon, key: "F2", keys: "F2", run: () => rename(item) }),
    { label: ACTIONS.copyLink, icon: LinkIcon, run: () => void copyLink(item) },
  ];
}

function downloadOf(items: readonly Item[]): Action {
  return { label: ACTIONS.download, icon: DownloadIcon, isOnBar: true, run: () => void download(items) };
}

function placing(items: readonly Item[], { move, copy }: Dialogs): Action[] {
  const isStarred = items.every((item) => item.starred);
  return [
    { label: ACTIONS.move, icon: FolderIcon, isOnBar: true, run: () => move(items) },
    { label: ACTIONS.copy, icon: CopyIcon, isOnBar: true, run: () => copy(items) },
    {
      label: isStarred ? ACTIONS.unstar : ACTIONS.star,
      icon: isStarred ? StarOffIcon : StarIcon,
      isOnBar: true,
      run: () => void star(items, !isStarred),
    },
  ];
}

function trashing(items: readonly Item[]): Action {
  const run = () => void trash(items);
  return { label: ACTIONS.trash, icon: TrashIcon, key: "Delete", keys: "Del", isDanger: true, isOnBar: true, run };
}

async function copyLink(item: Item): Promise<void> {
  try {
    await navigator.clipboard.writeText(new URL(pathOf(routeOf(item)), location.href).href);
    toasts.show({ kind: "done", text: ACTIONS.linkCopied });
  } catch {
    // Pages without HTTPS have no clipboard.
    toasts.show({ kind: "error", text: ACTIONS.linkFailed });
  }
}
