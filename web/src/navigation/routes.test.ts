import { expect, test } from "vitest";

import { parseRoute, pathOf, type Route } from "./routes";

const ROUTES: Record<string, Route> = {
  "/": { page: "folder", id: null },
  "/f/folder_1": { page: "folder", id: "folder_1" },
  "/file/file_1": { page: "file", id: "file_1" },
  "/search?q=a%20b%26c": { page: "search", query: "a b&c" },
  "/search?q=a&kind=video&size=large": { page: "search", query: "a", kind: "VIDEO", size: "large" },
  "/starred": { page: "starred" },
  "/trash": { page: "trash" },
  "/account": { page: "account", section: "profile" },
  "/account/sessions": { page: "account", section: "sessions" },
  "/sign-in": { page: "sign-in" },
};

const read = (path: string) => parseRoute(new URL(path, "http://localhost"));

test.each(Object.entries(ROUTES))("%s is the path of its page", (path, route) => {
  expect(read(path)).toEqual(route);
  expect(pathOf(route)).toBe(path);
});

test("a search without filters that exist has none", () => {
  expect(read("/search?kind=film&size=9")).toEqual({ page: "search", query: "" });
});

test.each(["/nothing", "/f/", "/f/a/b", "/account/other", "/trash/a", "/account/constructor"])(
  "%s is no page",
  (path) => {
    expect(read(path)).toEqual({ page: "not-found" });
  },
);
