import { describe, expect, test } from "vitest";

import { Selection } from "./selection.svelte";

const order = ["a", "b", "c", "d"];

function selection(): Selection {
  return new Selection(() => order);
}

describe("a selection", () => {
  test("has one item alone after a click", () => {
    const chosen = selection();
    chosen.only("a");
    chosen.only("c");
    expect(chosen.ids).toEqual(["c"]);
    expect(chosen.active).toBe("c");
  });

  test("gains and loses single items, in the order of the list", () => {
    const chosen = selection();
    chosen.only("c");
    chosen.toggle("a");
    expect(chosen.ids).toEqual(["a", "c"]);
    chosen.toggle("c");
    expect(chosen.ids).toEqual(["a"]);
  });

  test("has a range from the first click to the last one, in both directions", () => {
    const chosen = selection();
    chosen.only("b");
    chosen.extendTo("d");
    expect(chosen.ids).toEqual(["b", "c", "d"]);
    chosen.extendTo("a");
    expect(chosen.ids).toEqual(["a", "b"]);
  });

  test("begins a range at the item with the focus if nothing was selected", () => {
    const chosen = selection();
    chosen.activate("b");
    chosen.extendTo("c");
    chosen.extendTo("d");
    expect(chosen.ids).toEqual(["b", "c", "d"]);
  });

  test("forgets items that have left the list", () => {
    let ids = order;
    const chosen = new Selection(() => ids);
    chosen.all();
    ids = ["b", "d"];
    chosen.toggle("b");
    expect(chosen.ids).toEqual(["d"]);
  });

  test("is empty after it was cleared, and keeps its place", () => {
    const chosen = selection();
    chosen.only("b");
    chosen.clear();
    expect(chosen.ids).toEqual([]);
    expect(chosen.active).toBe("b");
  });
});
