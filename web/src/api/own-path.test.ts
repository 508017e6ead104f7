import { expect, test } from "vitest";

import { ownPath } from "./own-path";

test("a URL is opened on the origin of the page", () => {
  expect(ownPath("https://cloud.example.org/files/file_1?sig=a%20b")).toBe("/files/file_1?sig=a%20b");
});
