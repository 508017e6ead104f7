/** The drive of the signed-in account, as this page knows it: items, the lists that are shown, and the feed. */
import { hasCode } from "@cloudkeep/client";

import { client } from "../api/client";
import { connection } from "../api/connection.svelte";
import { ActivityDocument, ChangesCursorDocument, FolderDocument } from "../api/generated/graphql";
import { Counts } from "./counts";
import { keepFollowing, type ActivityEvent, type FeedOptions } from "./feed";
import { Items } from "./items.svelte";
import { ItemList, type Source } from "./list.svelte";

/** Milliseconds for which lists wait for the feed. */
const LATE = 2_000;
/** Milliseconds within which folders that go to the trash are one change. */
const GATHER_MS = 1_000;

type UploadEvent = Extract<ActivityEvent, { __typename: "UploadProgress" }>;

class Drive {
  readonly items = new Items();
  readonly #lists = new Set<ItemList>();
  readonly #counts = new Counts((id) => this.#refresh(id));
  readonly #uploads = new Set<(event: UploadEvent) => void>();
  readonly #changes = new Set<() => void>();
  readonly #stops = new Set<() => void>();
  #reloading: ReturnType<typeof setTimeout> | null = null;
  #following: AbortController | null = null;
  /** Resolves when no change can be missed any more: a list that was loaded before would not hear of it. */
  #isFollowed = Promise.withResolvers<void>();

  /** A list that follows the changes of the drive until it is closed. */
  open(source: Source): ItemList {
    const load: Source["load"] = async (after, signal) => {
      await this.#isFollowed.promise;
      return source.load(after, signal);
    };
    const list = new ItemList({ ...source, load }, this.items);
    this.#lists.add(list);
    return list;
  }

  close(list: ItemList): void {
    list.close();
    this.#lists.delete(list);
  }

  /** Call a function with the progress of uploads. Returns a function that stops it. */
  onUpload(listener: (event: UploadEvent) => void): () => void {
    this.#uploads.add(listener);
    return () => this.#uploads.delete(listener);
  }

  /** Call a function after each change of an item. Returns a function that stops it. */
  onChange(listener: () => void): () => void {
    this.#changes.add(listener);
    return () => this.#changes.delete(listener);
  }

  /** Call a function when everything is forgotten. */
  onStop(listener: () => void): void {
    this.#stops.add(listener);
  }

  /** Follow the changes of an account. */
  start(accountId: string): void {
    const following = (this.#following = new AbortController());
    const isFollowed = (this.#isFollowed = Promise.withResolvers<void>());
    let isLate = false;
    const onCursor = () => {
      if (isLate) void this.reload();
      isLate = true;
      isFollowed.resolve();
    };
    // Without the feed, a list that may be old is better than none.
    setTimeout(() => {
      isLate = true;
      isFollowed.resolve();
    }, LATE);
    void keepFollowing({ ...this.#feed(accountId), onCursor }, following.signal);
  }

  #feed(accountId: string): Omit<FeedOptions, "onCursor"> {
    return {
      accountId,
      newestCursor: async (signal) => (await client.request(ChangesCursorDocument, {}, { signal })).changesCursor,
      subscribe: activity,
      onEvent: (event) => {
        connection.hears(true);
        this.apply(event);
      },
      onGap: () => void this.reload(),
      onFailure: (error) => {
        console.warn("The feed of changes has failed, and is followed again.", error);
        connection.hears(false);
      },
      isExpired: (error) => hasCode(error, "CURSOR_EXPIRED"),
    };
  }

  /** Forget everything: nobody is signed in any more. */
  stop(): void {
    this.#following?.abort();
    for (const listener of this.#stops) listener();
    for (const list of this.#lists) this.close(list);
    this.#counts.stop();
    clearTimeout(this.#reloading ?? undefined);
    this.#reloading = null;
    this.items.clear();
  }

  /** Load all shown lists again. */
  async reload(): Promise<void> {
    for (const listener of this.#changes) listener();
    await Promise.all(this.#shown.map((list) => list.reload()));
  }

  get #shown(): ItemList[] {
    return [...this.#lists].filter((list) => !list.isHidden);
  }

  /** Take over an event of the feed. */
  apply(event: ActivityEvent): void {
    if (event.__typename === "UploadProgress") for (const listener of this.#uploads) listener(event);
    if (event.__typename !== "Change") return;
    if (event.item) this.update(event.item);
    else this.remove(event.itemId);
    for (const listener of this.#changes) listener();
  }

  /** Take over an item as the server has it, in all lists. */
  update(item: Parameters<Items["put"]>[0]): void {
    const before = this.items.get(item.id);
    this.#counts.changed(before, item);
    this.items.put(item);
    for (const list of this.#lists) list.update(item);
    if (before && item.__typename === "Folder" && !before.trashedAt !== !item.trashedAt) this.#reloadAcrossFolders();
  }

  remove(id: string): void {
    this.#counts.changed(this.items.get(id), null);
    const isFolder = this.items.get(id)?.__typename === "Folder";
    for (const list of this.#lists) list.remove(id);
    this.items.remove(id);
    if (isFolder) this.#reloadAcrossFolders();
  }

  /** The trash was emptied. */
  forgetTrashed(): void {
    for (const item of this.items.all) if (item.trashedAt) this.remove(item.id);
  }

  /** A folder went to the trash or came back, and all below it. */
  #reloadAcrossFolders(): void {
    this.#reloading ??= setTimeout(() => {
      this.#reloading = null;
      for (const list of this.#shown) if (list.source.isAcrossFolders && list.isLoaded) void list.reload();
    }, GATHER_MS);
  }

  /** Load a folder again whose number of items has changed, if it is one that the page knows. */
  async #refresh(id: string): Promise<void> {
    if (!this.items.get(id)) return;
    try {
      const { item } = await client.request(FolderDocument, { id });
      if (item) this.update(item);
    } catch (error) {
      console.warn("The number of items of a folder could not be loaded.", error);
    }
  }
}

async function* activity(after: () => string, signal: AbortSignal): AsyncGenerator<ActivityEvent> {
  const events = client.subscribe(ActivityDocument, () => ({ after: after() }), { signal });
  for await (const event of events) yield event.activity;
}

export const drive = new Drive();
