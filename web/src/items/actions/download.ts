/** Downloads: a file as it is, several items or folders as a zip file. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import { CreateZipDocument, DownloadDocument } from "../../api/generated/graphql";
import { ownPath } from "../../api/own-path";
import { reportErrors } from "../../api/report-errors";
import type { Item } from "../../drive/items.svelte";
import { CHANGES } from "../../text/changes";
import { describeItems } from "../../text/item-names";

export async function download(items: readonly Item[]): Promise<void> {
  const [item] = items;
  const what = describeItems(items);
  if (items.length === 1 && item?.__typename === "File") await downloadBytes(item.id, what);
  else await downloadFrom(() => zipUrl(items), what);
}

/**
 * Download a file, a version or a copy, by its ID; `what` is how it is called. The URL is asked for now: one from before
 * may have expired.
 */
export async function downloadBytes(id: string, what: string): Promise<void> {
  await downloadFrom(() => bytesUrl(id), what);
}

async function downloadFrom(getUrl: () => Promise<string | undefined>, what: string): Promise<void> {
  await reportErrors(CHANGES.notDownloaded(what), async () => {
    const url = await getUrl();
    if (url) start(ownPath(url));
  });
}

async function bytesUrl(id: string): Promise<string | undefined> {
  const { node } = await client.request(DownloadDocument, { id });
  return node && "download" in node ? node.download?.url : undefined;
}

async function zipUrl(items: readonly Item[]): Promise<string | undefined> {
  const input = { itemIds: items.map(({ id }) => id) };
  return requireSuccess((await client.request(CreateZipDocument, { input })).createZip).zip?.download?.url;
}

function start(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}
