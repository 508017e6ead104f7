import { expect, test } from "vitest";

import { ItemList, type Page } from "../drive/list.svelte";
import { Items } from "../drive/items.svelte";
import { filterOf } from "./filter";
import { Searches } from "./searches.svelte";

/** Searches whose answers come when the test says so. */
function searches() {
  const sent: string[] = [];
  const answers: ((page: Page) => void)[] = [];
  const load = () => new Promise<Page>((resolve) => answers.push(resolve));
  const open = (query: string) => {
    sent.push(query);
    return new ItemList({ load, has: () => false, compare: () => 0 }, new Items());
  };
  const answer = async () => {
    answers.shift()?.({ items: [], next: null });
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { sent, answer, all: new Searches<string>({ open, close: () => {} }) };
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

test("filters are those of the server", () => {
  expect(filterOf({})).toBeNull();
  expect(filterOf({ kind: "VIDEO" })).toEqual({ kinds: ["VIDEO"] });
  expect(filterOf({ size: "medium" })).toEqual({ minSize: 1_000_000, maxSize: 99_999_999 });
});
