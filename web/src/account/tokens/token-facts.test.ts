import { expect, test } from "vitest";

import type { ApiTokenFragment } from "../../api/generated/graphql";
import { allOf } from "../pages";
import { expiryAt, factsOf, hasExpired } from "./token-facts";

const TOKEN: ApiTokenFragment = {
  id: "token_1",
  name: "backup",
  scopes: ["READ", "COMPRESSOR"],
  lastCharacters: "x9Qz",
  createdAt: "2026-11-30T12:00:00Z",
  expiresAt: null,
  lastUsedAt: null,
};

test("the expiry of a new token is counted from now", () => {
  expect(expiryAt("30", Date.parse("2026-11-30T12:00:00Z"))).toBe("2026-12-30T12:00:00.000Z");
  expect(expiryAt("", 0)).toBeNull();
});

test("a token without an expiry never expires", () => {
  const end = Date.parse("2027-01-01T00:00:00Z");
  expect(hasExpired(TOKEN, end)).toBe(false);
  expect(hasExpired({ ...TOKEN, expiresAt: "2027-01-01T00:00:00Z" }, end)).toBe(true);
  expect(hasExpired({ ...TOKEN, expiresAt: "2027-01-01T00:00:00Z" }, end - 1)).toBe(false);
});

test("scopes are said in plain words, and one that this page does not know by its name", () => {
  expect(factsOf(TOKEN)).toBe(
    "Read and download all files, COMPRESSOR · ends in x9Qz · never used · until you revoke it",
  );
});

test("a list is loaded to its end", async () => {
  const pages = new Map([
    [null, { nodes: [1, 2], pageInfo: { hasNextPage: true, endCursor: "2" } }],
    ["2", { nodes: [3], pageInfo: { hasNextPage: false, endCursor: "3" } }],
  ]);
  expect(await allOf((after) => Promise.resolve(pages.get(after as "2" | null)))).toEqual([1, 2, 3]);
  expect(await allOf(() => Promise.resolve(undefined))).toEqual([]);
});
