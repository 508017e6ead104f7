/** The icons of items. */
import ArchiveIcon from "@lucide/svelte/icons/file-archive";
import DocumentIcon from "@lucide/svelte/icons/file-text";
import FileIcon from "@lucide/svelte/icons/file";
import FilmIcon from "@lucide/svelte/icons/film";
import FolderIcon from "@lucide/svelte/icons/folder";
import ImageIcon from "@lucide/svelte/icons/image";
import MusicIcon from "@lucide/svelte/icons/music";
import type { Component } from "svelte";

import type { FileKind } from "../../api/generated/graphql";
import type { Item } from "../../drive/items.svelte";
import { FILES } from "../../text/files";

const ICONS: Readonly<Record<FileKind, Component>> = {
  VIDEO: FilmIcon,
  AUDIO: MusicIcon,
  IMAGE: ImageIcon,
  DOCUMENT: DocumentIcon,
  ARCHIVE: ArchiveIcon,
  OTHER: FileIcon,
};

export function iconOf(item: Item): Component {
  return item.__typename === "Folder" ? FolderIcon : ICONS[item.kind];
}

/** What an item is, in a word. */
export function kindOf(item: Item): string {
  return item.__typename === "Folder" ? FILES.folder : FILES.kinds[item.kind];
}
