import { expect, test } from "vitest";

import { stemLength } from "./names";

test.each([
  ["clip.mp4", "clip"],
  ["data.tar.gz", "data"],
  [".profile", ".profile"],
  ["a.b c", "a.b c"],
  ["README", "README"],
])("the stem of %s is %s", (name, stem) => {
  expect(name.slice(0, stemLength({ __typename: "File", name }))).toBe(stem);
});

test("the name of a folder has no extension", () => {
  expect(stemLength({ __typename: "Folder", name: "a.folder" })).toBe("a.folder".length);
});
