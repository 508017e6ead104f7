import { expect, test } from "vitest";

import { ItemList, type Page } from "../drive/list.svelte";
import { Items } from "../drive/items.svelte";
import { filterOf } from "./filter";
import { Searches } from "./searches.svelte";

/** Searches whose answers come when the test says so. */
function searches() {
  const sent: string[] = [];
  const lists: ItemList[] = [];
  const closed: ItemList[] = [];
  const answers: ((page: Page) => void)[] = [];
  const load = () => new Promise<Page>((resolve) => answers.push(resolve));
  const open = (query: string) => {
    sent.push(query);
    const list = new ItemList({ load, has: () => false, compare: () => 0 }, new Items());
    lists.push(list);
    return list;
  };
  const answer = async () => {
    answers.shift()?.({ items: [], next: null });
    await new Promise((resolve) => setTimeout(resolve));
  };
  const close = (list: ItemList) => void closed.push(list);
  return { sent, lists, closed, answer, all: new Searches<string>({ open, close }) };
}

test("one search is sent at a time, and of those that wait the newest", async () => {
  const { sent, answer, all } = searches();
  void all.search("a");
  void all.search("ab");
  void all.search("abc");
  expect(sent).toEqual(["a"]);
  await answer();
  expect(sent).toEqual(["a", "abc"]);
  expect(all.shown).toBeNull();
  await answer();
  expect(all.shown?.query).toBe("abc");
  expect(all.isSearching).toBe(false);
});

test("a search is not sent again until something has changed", async () => {
  const { sent, answer, all } = searches();
  for (const query of ["a", "b"]) {
    void all.search(query);
    await answer();
  }
  void all.search("a");
  expect(all.shown?.query).toBe("a");
  expect(sent).toEqual(["a", "b"]);
  all.changed();
  void all.search("a");
  expect(sent).toEqual(["a", "b", "a"]);
});

test("only the search that is shown is loaded again by itself", async () => {
  const { lists, closed, answer, all } = searches();
  for (const query of ["a", "b"]) {
    void all.search(query);
    await answer();
  }
  expect(lists.map((list) => list.isHidden)).toEqual([true, false]);
  all.shown = null;
  expect(lists.map((list) => list.isHidden)).toEqual([true, true]);
  expect(closed).toEqual([]);
});

test("a search that is shown and has changed is closed when its newer result is there", async () => {
  const { lists, closed, answer, all } = searches();
  void all.search("a");
  await answer();
  all.changed();
  void all.search("a");
  expect(closed).toEqual([]);
  await answer();
  expect(closed).toEqual([lists[0]]);
  expect(all.shown?.list).toBe(lists[1]);
});

test("filters are those of the server", () => {
  expect(filterOf({})).toBeNull();
  expect(filterOf({ kind: "VIDEO" })).toEqual({ kinds: ["VIDEO"] });
  expect(filterOf({ size: "medium" })).toEqual({ minSize: 1_000_000, maxSize: 99_999_999 });
});
