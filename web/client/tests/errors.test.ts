import { describe, expect, it } from "vitest";

import { hasCode, requireSuccess } from "../src";
import { dataOf, problemOf, type HttpAnswer } from "../src/answers";

const answer = (status: number, text: string, headers: Record<string, string> = {}): HttpAnswer => ({
  status,
  text,
  header: (name) => headers[name] ?? null,
});

describe("the errors of an answer", () => {
  it("are those of GraphQL, with the ID of the request", () => {
    const errors = [{ message: "Wait.", extensions: { code: "RATE_LIMITED", retryAfter: 1.5 } }];
    const refused = answer(429, JSON.stringify({ errors }), { "X-Request-ID": "abc" });
    const expected = { code: "RATE_LIMITED", message: "Wait.", retryAfter: 1.5, requestId: "abc" };
    expect(() => dataOf(refused)).toThrow(expect.objectContaining(expected));
  });

  it("are those of a problem document", () => {
    const text = JSON.stringify({ code: "SLOT_BUSY", detail: "Later.", status: 409 });
    const problem = problemOf(answer(409, text, { "Retry-After": "1" }));
    expect(problem).toMatchObject({ code: "SLOT_BUSY", message: "Later.", retryAfter: 1 });
  });

  it("take the precise time to wait, and null if waiting does not help", () => {
    const limited = (retryAfter: number | null) =>
      problemOf(answer(429, JSON.stringify({ code: "RATE_LIMITED", retryAfter }), { "Retry-After": "2" }));
    expect(limited(1.25).retryAfter).toBe(1.25);
    expect(limited(null).retryAfter).toBeNull();
  });

  it.each(["<html>Bad Gateway</html>", "", "null", "[]", '"text"'])("are those of a proxy: %s", (text) => {
    expect(problemOf(answer(502, text))).toMatchObject({ code: "NETWORK" });
    expect(() => dataOf(answer(502, text))).toThrow(expect.objectContaining({ code: "NETWORK" }));
  });

  it.each([
    [413, "REFUSED"],
    [403, "REFUSED"],
    [408, "NETWORK"],
    [429, "NETWORK"],
    [500, "NETWORK"],
    [200, "NETWORK"],
  ])("are final if a proxy refuses the request: status %i is %s", (status, code) => {
    expect(problemOf(answer(status, "<html>nginx</html>"))).toMatchObject({ code });
  });
});

describe("a payload", () => {
  it("is returned if it has no errors", () => {
    const payload = { folder: { id: "1" }, userErrors: [] };
    expect(requireSuccess(payload)).toBe(payload);
  });

  it("is an error that has all errors of the form", () => {
    const userErrors = [
      { code: "INVALID_INPUT", message: "Too long.", field: ["input", "name"] },
      { code: "ALREADY_EXISTS", message: "Taken.", field: null },
    ];
    const expected = { code: "INVALID_INPUT", field: ["input", "name"], userErrors };
    expect(() => requireSuccess({ userErrors })).toThrow(expect.objectContaining(expected));
  });
});

it("has a code only if it is an error of this client", () => {
  expect(hasCode({ code: "NETWORK" }, "NETWORK")).toBe(false);
  expect(hasCode(problemOf(answer(502, "")), "NOT_FOUND", "NETWORK")).toBe(true);
});
