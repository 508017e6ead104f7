/** Adds files and folders from outside to a folder. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import { CreateFolderDocument } from "../../api/generated/graphql";
import { reportErrors } from "../../api/report-errors";
import { drive } from "../../drive/drive.svelte";
import { CHANGES } from "../../text/changes";
import { FILES } from "../../text/files";
import { toasts } from "../../ui/toasts.svelte";
import { queue } from "../queue/queue.svelte";
import { MAX_FILES, walk, type Roots } from "./drop";

/** Upload what was dropped into a folder, and create its empty folders. */
export async function addDropped(
  roots: Roots,
  parentId: string,
  handles: Promise<ReadonlyMap<string, FileSystemFileHandle>>,
): Promise<void> {
  const { entries, emptyFolders, isCut, hasFailed } = await walk(roots);
  const known = await handles;
  for (const entry of entries) if (!entry.relativePath) entry.handle = known.get(entry.file.name);
  if (entries.length) queue.add(entries, parentId);
  if (isCut) toasts.show({ kind: "error", text: FILES.tooMany(MAX_FILES) });
  if (hasFailed) toasts.show({ kind: "error", text: FILES.unreadable });
  await reportErrors(CHANGES.foldersNotCreated, async () => {
    for (const path of emptyFolders) await createPath(path, parentId);
  });
}

/** Create the folders of a path. Those that are there already stay as they are. */
async function createPath(path: string, parentId: string): Promise<void> {
  let above = parentId;
  for (const name of path.split("/")) {
    const input = { parentId: above, name, conflict: "REPLACE" as const };
    const { folder } = requireSuccess((await client.request(CreateFolderDocument, { input })).createFolder);
    if (!folder) return;
    drive.update(folder);
    above = folder.id;
  }
}
