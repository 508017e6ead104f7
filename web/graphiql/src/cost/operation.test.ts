import { buildSchema } from "graphql";
import { expect, test } from "vitest";
import { readOperation } from "./operation";

const schema = buildSchema("type Query { me: String file(id: ID!): String }");

test("an operation is read without its comments", () => {
  expect(readOperation(schema, "# Who?\n{ me }", {}, undefined)).toEqual({
    query: "{\n  me\n}",
    variables: {},
    operationName: null,
  });
});

test("of several operations, the named one is meant", () => {
  const query = "query A { me } query B { me }";
  expect(readOperation(schema, query, {}, "B")?.operationName).toBe("B");
  expect(readOperation(schema, query, {}, undefined)).toBeNull();
});

test.each([
  ["a syntax error", "{ me", {}],
  ["an unknown field", "{ you }", {}],
  ["variables that are no object", "{ me }", null],
  ["a missing variable", "query ($id: ID!) { file(id: $id) }", {}],
  ["a variable of another type", "query ($id: ID!) { file(id: $id) }", { id: [] }],
  ["no operation", "# Nothing", {}],
])("%s has no price", (_, query, variables) => {
  expect(readOperation(schema, query, variables, undefined)).toBeNull();
});
