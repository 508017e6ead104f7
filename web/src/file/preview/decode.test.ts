import { expect, test } from "vitest";

import { decodeText } from "./decode";

test.each([
  ["UTF-8", [0xc3, 0xa9], "é"],
  ["UTF-8 with a mark", [0xef, 0xbb, 0xbf, 0x61], "a"],
  ["UTF-16", [0xff, 0xfe, 0xe9, 0x00], "é"],
  ["UTF-16 with the higher bytes first", [0xfe, 0xff, 0x00, 0xe9], "é"],
  ["Windows-1252", [0x61, 0xe9, 0x61], "aéa"],
])("a text in %s is read", (_, bytes, text) => {
  expect(decodeText(new Uint8Array(bytes), false)).toBe(text);
});

test("a character that is cut does not change the encoding", () => {
  expect(decodeText(new Uint8Array([0xc3, 0xa9, 0xc3]), true)).toBe("é");
});
