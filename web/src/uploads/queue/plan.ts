/** What is known of an upload even without its file. */

export type Preset = "FAST" | "BALANCED" | "SMALL";

export interface Compression {
  preset: Preset;
}

/** A file of the drive that gets a new version, by the name it has now. */
export interface Replaced {
  fileId: string;
  name: string;
}

/** A file that somebody has dropped or chosen. */
export interface Entry {
  file: File;
  /** The path from the folder to the file's own, such as `photos/2026`; null without one. */
  relativePath: string | null;
  /** By this the file is found again after a reload. Some browsers have none. */
  handle?: FileSystemFileHandle | undefined;
  /** The file that it is a new version of; none for a file of its own. */
  replaces?: Replaced | undefined;
}

export interface Plan {
  /** The name on this device. */
  name: string;
  size: number;
  lastModified: number;
  /** The folder; null for the root. */
  parentId: string | null;
  relativePath: string | null;
  compress: Compression | null;
  replaces?: Replaced | undefined;
}

export function planOf(
  { file, relativePath, replaces }: Entry,
  parentId: string | null,
  compress: Compression | null,
): Plan {
  const { name, size, lastModified } = file;
  return { name, size, lastModified, parentId, relativePath, compress, replaces };
}

/** The same for two plans that the server would take for one upload. */
export function keyOf({ name, size, lastModified, parentId, relativePath, compress, replaces }: Plan): string {
  const destination = replaces ? [replaces.fileId, replaces.name] : [];
  return JSON.stringify([name, size, lastModified, parentId, relativePath, compress?.preset ?? null, ...destination]);
}

/** The same for a plan and for the file that it is of, wherever that goes. */
export function identityOf({ name, size, lastModified }: Pick<Plan, "name" | "size" | "lastModified">): string {
  return JSON.stringify([name, size, lastModified]);
}
