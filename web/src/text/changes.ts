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
  created: (name: string) => `Created “${name}”`,
  failed: (message: string) => `This did not work. ${message}`,
} as const;
