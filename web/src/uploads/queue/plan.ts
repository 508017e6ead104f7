/** What is known of an upload even without its file. */

export type Preset = "FAST" | "BALANCED" | "SMALL";

export interface Compression {
  preset: Preset;
}

/** A file that somebody has dropped or chosen. */
export interface Entry {
  file: File;
  /** The path from the folder to the file's own, such as `photos/2026`; null without one. */
  relativePath: string | null;
  /** By this the file is found again after a reload. Some browsers have none. */
  handle?: FileSystemFileHandle | undefined;
}

export interface Plan {
  name: string;
  size: number;
  lastModified: number;
  /** The folder; null for the root. */
  parentId: string | null;
  relativePath: string | null;
  compress: Compression | null;
}

export function planOf({ file, relativePath }: Entry, parentId: string | null, compress: Compression | null): Plan {
  const { name, size, lastModified } = file;
  return { name, size, lastModified, parentId, relativePath, compress };
}

/** The same for two plans that the server would take for one upload. */
export function keyOf({ name, size, lastModified, parentId, relativePath, compress }: Plan): string {
  return JSON.stringify([name, size, lastModified, parentId, relativePath, compress?.preset ?? null]);
}

/** The same for a plan and for the file that it is of, wherever that goes. */
export function identityOf({ name, size, lastModified }: Pick<Plan, "name" | "size" | "lastModified">): string {
  return JSON.stringify([name, size, lastModified]);
}
