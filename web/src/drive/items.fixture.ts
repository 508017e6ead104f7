/** Items for tests. */
import type { File, Folder } from "./items.svelte";

const COMMON = {
  createdAt: "2026-01-01T00:00:00Z",
  updatedAt: "2026-01-01T00:00:00Z",
  trashedAt: null,
  starred: false,
  parent: { id: "folder" },
};

/** A file whose ID is its name. */
export function file(name: string, facts: Partial<File> = {}): File {
  const own = { size: 1, kind: "OTHER", mimeType: "application/octet-stream", media: null } as const;
  return { __typename: "File", id: name, name, version: { id: `${name}-1`, number: 1 }, ...COMMON, ...own, ...facts };
}

/** A folder whose ID is its name. */
export function folder(name: string, facts: Partial<Folder> = {}): Folder {
  return { __typename: "Folder", id: name, name, itemCount: 0, ...COMMON, ...facts };
}
