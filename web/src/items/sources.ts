/** Where the lists of the pages come from. */
import { client } from "../api/client";
import {
  FolderItemsDocument,
  SearchDocument,
  StarredDocument,
  TrashDocument,
  type ItemFilter,
  type ItemOrder,
} from "../api/generated/graphql";
import type { Item } from "../drive/items.svelte";
import { PAGE_SIZE, type Page, type Source } from "../drive/list.svelte";
import { comparison } from "../drive/order";
import { Places } from "./facts/places";

interface Connection {
  nodes: Item[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

function pageOf({ nodes, pageInfo }: Connection): Page {
  return { items: nodes, next: pageInfo.hasNextPage ? pageInfo.endCursor : null };
}

/** A list across folders, and where its items are. */
export type CrossFolderSource = Source & { places: Places };

const NO_ITEMS: Page = { items: [], next: null };

/** The items of a folder. */
export function folderItems(id: string, orderBy: ItemOrder, filter: ItemFilter | null = null): Source {
  return {
    async load(after, signal) {
      const variables = { id, first: PAGE_SIZE, after, orderBy, filter };
      const { item } = await client.request(FolderItemsDocument, variables, { signal });
      return item && "items" in item ? pageOf(item.items) : NO_ITEMS;
    },
    has: (item) => item.parent?.id === id && !item.trashedAt && isAccepted(item, filter),
    compare: comparison(orderBy),
  };
}

/** What was put into the trash, the last first. */
export function trashedItems(): CrossFolderSource {
  const places = new Places();
  return {
    places,
    async load(after, signal) {
      const { trash } = await client.request(TrashDocument, { first: PAGE_SIZE, after }, { signal });
      places.put(trash.nodes);
      return pageOf(trash);
    },
    has: (item) => item.trashedAt !== null,
    compare: (a, b) => newestFirst(a.trashedAt, b.trashedAt),
  };
}

/** What has a star, in any folder, the newest first. */
export function starredItems(): CrossFolderSource {
  const places = new Places();
  return {
    places,
    isAcrossFolders: true,
    async load(after, signal) {
      const { starred } = await client.request(StarredDocument, { first: PAGE_SIZE, after }, { signal });
      places.put(starred.nodes);
      return pageOf(starred);
    },
    has: (item) => item.starred && !item.trashedAt,
    compare: (a, b) => newestFirst(keyOf(a), keyOf(b)),
  };
}

/** What a search finds, the newest first. A change never adds to it: only the server knows what is found. */
export function foundItems(query: string, filter: ItemFilter | null = null): CrossFolderSource {
  const places = new Places();
  const found = new Set<string>();
  return {
    places,
    isAcrossFolders: true,
    async load(after, signal) {
      const variables = { query, first: PAGE_SIZE, after, filter };
      const { search } = await client.request(SearchDocument, variables, { signal });
      places.put(search.nodes);
      for (const item of search.nodes) found.add(item.id);
      return pageOf(search);
    },
    has: (item) => found.has(item.id) && !item.trashedAt,
    compare: (a, b) => newestFirst(a.createdAt, b.createdAt),
  };
}

function isAccepted(item: Item, filter: ItemFilter | null): boolean {
  if (!filter) return true;
  const isStarred = filter.starred == null || item.starred === filter.starred;
  const isOfKind = !filter.kinds || (item.__typename === "File" && filter.kinds.includes(item.kind));
  return isStarred && isOfKind;
}

/** IDs of folders and of files begin differently; what follows grows with time. */
function keyOf(item: Item): string {
  return item.id.slice(item.id.lastIndexOf("_") + 1);
}

function newestFirst(a: string | null, b: string | null): number {
  return (b ?? "").localeCompare(a ?? "");
}
