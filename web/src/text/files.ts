/** Texts of lists of files. */

export const FILES = {
  empty: "Nothing here yet. Drop files anywhere on this page.",
  name: "Name",
  size: "Size",
  changed: "Changed",
  items: (count: number) => (count === 1 ? "1 item" : `${count} items`),
  loadFailed: "The files could not be loaded.",
  folderMissing: "This folder is not there any more.",
  path: "Path",
} as const;
