import { beforeEach, describe, expect, test } from "vitest";

import { file, folder } from "./items.fixture";
import { Items, type Item } from "./items.svelte";
import { ItemList, type Page, type Source } from "./list.svelte";
import { BY_NAME, comparison } from "./order";

let store: Items;
beforeEach(() => (store = new Items()));

/** A list with these pages of a folder, of which the first one is loaded. */
async function listOf(...pages: Item[][]): Promise<ItemList> {
  const source: Source = {
    load: (after) => Promise.resolve(page(pages, Number(after ?? 0))),
    has: (item) => item.parent?.id === "folder" && !item.trashedAt,
    compare: comparison(BY_NAME),
  };
  const list = new ItemList(source, store);
  await list.reload();
  return list;
}

function page(pages: Item[][], number: number): Page {
  return { items: pages[number] ?? [], next: number + 1 < pages.length ? String(number + 1) : null };
}

function update(list: ItemList, item: Item): void {
  store.put(item);
  list.update(item);
}

describe("a list that is loaded to its end", () => {
  test("puts a new item into its place", async () => {
    const list = await listOf([folder("x"), file("a"), file("c")]);
    update(list, file("b"));
    update(list, file("d"));
    update(list, folder("z"));
    expect(list.ids).toEqual(["x", "z", "a", "b", "c", "d"]);
  });

  test("moves an item that got another name", async () => {
    const list = await listOf([file("a"), file("b"), file("c")]);
    update(list, { ...file("a"), name: "bb" });
    expect(list.ids).toEqual(["b", "a", "c"]);
  });

  test("loses items that are moved, trashed or deleted", async () => {
    const list = await listOf([file("a"), file("b"), file("c"), file("d")]);
    update(list, file("a", { parent: { id: "other" } }));
    update(list, file("b", { trashedAt: "2026-01-01T00:00:00Z" }));
    list.remove("c");
    expect(list.ids).toEqual(["d"]);
  });
});

describe("a list with more pages", () => {
  test("has each item once when a page has one that has come meanwhile", async () => {
    const list = await listOf([file("a"), file("c")], [file("b"), file("d")]);
    update(list, file("b"));
    await list.loadMore();
    expect(list.ids).toEqual(["a", "b", "c", "d"]);
    expect(list.hasMore).toBe(false);
  });

  test("leaves an item after its last one to the page that will have it", async () => {
    const list = await listOf([file("a"), file("b")], [file("d")]);
    update(list, file("c"));
    expect(list.ids).toEqual(["a", "b"]);
  });
});

test("keeps what it shows when a page cannot be loaded", async () => {
  let isBroken = false;
  const load = () => (isBroken ? Promise.reject(new Error("away")) : Promise.resolve(page([[file("a")]], 0)));
  const list = new ItemList({ load, has: () => true, compare: comparison(BY_NAME) }, store);
  await list.reload();
  isBroken = true;
  await list.reload();
  expect(list.ids).toEqual(["a"]);
  expect(list.error).toBeInstanceOf(Error);
  expect(list.isLoading).toBe(false);
});

describe("a list that changes while its page is loaded", () => {
  /** A list, and a function that lets the page come that it asks for. */
  function loading(...items: Item[]): [ItemList, () => Promise<void>] {
    const { promise, resolve } = Promise.withResolvers<Page>();
    const list = new ItemList({ load: () => promise, has: () => true, compare: comparison(BY_NAME) }, store);
    const loaded = list.reload();
    const arrive = () => {
      resolve(page([items], 0));
      return loaded;
    };
    return [list, arrive];
  }

  test("has what came meanwhile, and not what is gone", async () => {
    const [list, arrive] = loading(file("a"), file("c"));
    update(list, file("b"));
    list.remove("c");
    await arrive();
    expect(list.ids).toEqual(["a", "b"]);
  });

  test("keeps a newer item than that of the page", async () => {
    const [list, arrive] = loading(file("a"), file("b"));
    update(list, { ...file("a"), name: "z" });
    await arrive();
    expect(list.ids).toEqual(["b", "a"]);
    expect(store.get("a")?.name).toBe("z");
  });

  test("takes no page that was asked for before it was closed", async () => {
    const [list, arrive] = loading(file("a"));
    list.close();
    await arrive();
    expect(list.isLoaded).toBe(false);
  });
});

test("a page that has brought nothing says so, so that the next one is not asked for at once", async () => {
  const list = await listOf([file("a")], [], [file("b")]);
  expect(list.isPageEmpty).toBe(false);
  await list.loadMore();
  expect(list.isPageEmpty).toBe(true);
  await list.loadMore();
  expect(list.isPageEmpty).toBe(false);
  expect(list.ids).toEqual(["a", "b"]);
});
