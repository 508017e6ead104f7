/** What is said after a change of the drive. */

const things = (count: number, name: string) => (count === 1 ? `“${name}”` : `${count} items`);

export const CHANGES = {
  undo: "Undo",
  renamed: (name: string) => `Renamed to “${name}”`,
  moved: (count: number, name: string, folder: string) => `Moved ${things(count, name)} to “${folder}”`,
  copied: (count: number, name: string, folder: string) => `Copied ${things(count, name)} to “${folder}”`,
  trashed: (count: number, name: string) => `Moved ${things(count, name)} to the trash`,
  restored: (count: number, name: string) => `Restored ${things(count, name)}`,
  deleted: (what: string) => `Deleted ${what} for good`,
  notMoved: (what: string) => `${what} could not be moved.`,
  notCopied: (what: string) => `${what} could not be copied.`,
  notTrashed: (what: string) => `${what} could not be moved to the trash.`,
  notRestored: (what: string) => `${what} could not be restored.`,
  notStarred: (what: string) => `The star of ${what} could not be changed.`,
  notDownloaded: (what: string) => `${what} could not be downloaded.`,
  notUndone: "The change could not be undone.",
  foldersNotCreated: "Some empty folders could not be created.",
} as const;
