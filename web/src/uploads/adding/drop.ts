/** What was dropped on the page: its files, with their paths, and its empty folders. */
import type { Entry } from "../queue/queue.svelte";

/** More at once would keep the page busy and fill its memory. */
export const MAX_FILES = 10_000;
/** Folders within folders, as the server accepts them. */
const MAX_DEPTH = 100;

export interface Dropped {
  entries: Entry[];
  /** Paths of folders without anything in them. */
  emptyFolders: string[];
  /** Whether there was more than `MAX_FILES`. */
  isCut: boolean;
  /** Whether something could not be read. */
  hasFailed: boolean;
}

/** What browsers give for a drop: entries, or files alone, such as a picture of another page. */
export interface Roots {
  entries: FileSystemEntry[];
  files: File[];
}

/** Take what was dropped. Browsers forget it after the event. */
export function rootsOf(items: DataTransferItemList): Roots {
  const roots: Roots = { entries: [], files: [] };
  for (const item of items) {
    const entry = item.webkitGetAsEntry();
    const file = entry ? null : item.getAsFile();
    if (entry) roots.entries.push(entry);
    if (file) roots.files.push(file);
  }
  return roots;
}

/** Everything that was dropped, with what is in its folders. */
export async function walk(roots: Roots, most = MAX_FILES): Promise<Dropped> {
  const dropped: Dropped = { entries: chosen(roots.files), emptyFolders: [], isCut: false, hasFailed: false };
  for (const entry of roots.entries) await visit(entry, "", 1, dropped, most);
  return dropped;
}

/** The entries of files that were chosen by a field, of single files or of a folder. */
export function chosen(files: Iterable<File>): Entry[] {
  return [...files].map((file) => ({ file, relativePath: parentOf(file.webkitRelativePath) }));
}

async function visit(
  entry: FileSystemEntry,
  path: string,
  depth: number,
  dropped: Dropped,
  most: number,
): Promise<void> {
  if (dropped.entries.length + dropped.emptyFolders.length >= most || depth > MAX_DEPTH) {
    dropped.isCut = true;
    return;
  }
  try {
    if (isFile(entry)) dropped.entries.push({ file: await fileOf(entry), relativePath: path || null });
    else if (isFolder(entry)) await visitFolder(entry, join(path, entry.name), depth, dropped, most);
  } catch {
    dropped.hasFailed = true;
  }
}

async function visitFolder(
  folder: FileSystemDirectoryEntry,
  path: string,
  depth: number,
  dropped: Dropped,
  most: number,
): Promise<void> {
  let isEmpty = true;
  const reader = folder.createReader();
  // A reader returns a part of the folder at a time, and nothing at its end.
  for (let part = await read(reader); part.length > 0 && !dropped.isCut; part = await read(reader)) {
    isEmpty = false;
    for (const entry of part) await visit(entry, path, depth + 1, dropped, most);
  }
  if (isEmpty) dropped.emptyFolders.push(path);
}

function read(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

function join(path: string, name: string): string {
  return path ? `${path}/${name}` : name;
}

function parentOf(path: string): string | null {
  return path.split("/").slice(0, -1).join("/") || null;
}
