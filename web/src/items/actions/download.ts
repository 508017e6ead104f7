/** Downloads: a file as it is, several items or folders as a zip file. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import { CreateZipDocument, DownloadDocument } from "../../api/generated/graphql";
import type { Item } from "../../drive/items.svelte";
import { CHANGES } from "../../text/changes";
import { messageOf } from "../../text/errors";
import { toasts } from "../../ui/toasts.svelte";

export async function download(items: readonly Item[]): Promise<void> {
  try {
    const url = await urlOf(items);
    if (url) start(pathOn(url));
  } catch (error) {
    toasts.show({ kind: "error", text: CHANGES.failed(messageOf(error)) });
  }
}

async function urlOf(items: readonly Item[]): Promise<string | undefined> {
  const [item] = items;
  if (items.length === 1 && item?.__typename === "File") {
    return (await client.request(DownloadDocument, { id: item.id })).file?.download?.url;
  }
  const input = { itemIds: items.map(({ id }) => id) };
  return requireSuccess((await client.request(CreateZipDocument, { input })).createZip).zip?.download?.url;
}

/** The URL on the page's own origin: the server may be open under another name than its public one. */
function pathOn(url: string): string {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

function start(url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  link.click();
}
