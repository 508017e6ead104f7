import { expect, test } from "vitest";

import { PASSWORD } from "../text/session";
import { weakness } from "./password-rules";

const OWNER = { userId: "ada", userName: "Ada Lovelace", email: "countess@engines.example" };

test.each([
  ["", PASSWORD.short(10)],
  ["ninechars", PASSWORD.short(1)],
  ["1111111111", PASSWORD.repetitive],
  ["x".repeat(1025), PASSWORD.long],
  ["Lovelace-2026!", PASSWORD.likeOwner],
  ["ecalevoL..ada", PASSWORD.likeOwner],
  ["engines.example", PASSWORD.likeOwner],
  ["lovelace likes trains", null],
  ["correct horse battery", null],
])("%j", (password, expected) => {
  expect(weakness(password, OWNER)).toBe(expected);
});

test("without an owner only the password itself counts", () => {
  expect(weakness("correct horse", { userId: "", userName: "", email: "" })).toBeNull();
});
