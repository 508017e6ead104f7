/** Texts of the trash and of the starred items. */

export const TRASH = {
  title: "Trash",
  kept: (time: string) => `Items are deleted for good after ${time}.`,
  keptForEver: "Items stay until you delete them.",
  counts: "It counts towards your storage.",
  empty: "The trash is empty.",
  emptyHint: "What you delete comes here first.",
  was: "Was in",
  deleted: "Deleted",
  restore: "Restore",
  deleteForGood: "Delete for good",
  deleteTitle: (what: string) => `Delete ${what} for good`,
  deleteWarning: "This cannot be undone.",
  emptyAll: "Empty the trash",
  emptyTitle: "Empty the trash",
  emptyWarning: "Everything in it is deleted for good. This cannot be undone.",
  emptying: (count: number) => `Deleted ${count.toLocaleString()} so far`,
  emptied: "The trash is empty now",
  stopped: (count: number) => `Deleted ${count.toLocaleString()} items for good`,
} as const;

export const STARRED = {
  title: "Starred",
  empty: "Nothing has a star yet.",
  emptyHint: "Star what you need often: it is listed here, whatever folder it is in.",
} as const;
