import { expect, test } from "vitest";

import { previewKindOf, sourcesOf, type FileDetails } from "./preview";

test.each([
  ["video/mp4", "video"],
  ["audio/flac", "audio"],
  ["image/png", "image"],
  ["image/svg+xml", "none"],
  ["application/pdf", "pdf"],
  ["text/plain", "text"],
  ["text/html", "none"],
  ["application/zip", "none"],
])("a file of %s is shown as %s", (mimeType, kind) => {
  expect(previewKindOf(mimeType)).toBe(kind);
});

const file = {
  id: "file_1",
  mimeType: "video/x-matroska",
  size: 9,
  shown: { url: "http://a/files/1" },
  renditions: [{ id: "rendition_1", mimeType: "video/mp4", size: 3, shown: { url: "http://a/renditions/1" } }],
} as unknown as FileDetails;

test("a copy is played first if the browser cannot play the original", () => {
  const played = (types: string[]) => sourcesOf(file, (type) => types.includes(type)).map((source) => source.id);
  expect(played(["video/mp4"])).toEqual(["rendition_1", "file_1"]);
  expect(played(["video/mp4", "video/x-matroska"])).toEqual(["file_1", "rendition_1"]);
  expect(played([])).toEqual(["file_1", "rendition_1"]);
});
