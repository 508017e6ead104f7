import { buildSchema, introspectionFromSchema } from "graphql";
import { expect, test } from "vitest";
import { rulesOf } from "../../build/prices";
import { withPrices } from "./descriptions";

const SDL = `
directive @cost(weight: String!) on FIELD_DEFINITION | OBJECT | ARGUMENT_DEFINITION
directive @listSize(assumedSize: Int, slicingArguments: [String!]) on FIELD_DEFINITION

type Query @cost(weight: "0") {
  "Files."
  files(first: Int, last: Int, "A filter." filter: String @cost(weight: "20")): [File!]! @listSize(assumedSize: 20, slicingArguments: ["first", "last"])
  "Some files."
  byIds(ids: [ID!]!): [File!]! @listSize(slicingArguments: ["ids"])
  "A search. Price: 200 points."
  search: File @cost(weight: "200")
  "A file."
  file: File
}

"A file."
type File {
  "Tags."
  tags: [String!]! @listSize(assumedSize: 1000)
  "A reason."
  reason: String @cost(weight: "1")
}
`;

const described = withPrices(introspectionFromSchema(buildSchema(SDL)), rulesOf(SDL));

function fieldOf(type: string, name: string) {
  const found = described.__schema.types.find((one) => one.name === type);
  if (found?.kind !== "OBJECT") throw new Error(`There is no object ${type}`);
  return found.fields.find((field) => field.name === name);
}

test.each([
  ["Query", "files", "Files. Its price counts `first` or `last` items, or 20 without."],
  ["Query", "byIds", "Some files. Its price counts `ids` items."],
  ["Query", "search", "A search. Price: 200 points."],
  ["Query", "file", "A file."],
  ["File", "tags", "Tags. Its price counts 1,000 items."],
  ["File", "reason", "A reason. Price: 1 point."],
])("the description of %s.%s says what its directives say", (type, name, description) => {
  expect(fieldOf(type, name)?.description).toBe(description);
});

test("a type and an argument have their prices as well", () => {
  expect(described.__schema.types.find((type) => type.name === "Query")?.description).toBe("Price: 0 points.");
  const filter = fieldOf("Query", "files")?.args.find((argument) => argument.name === "filter");
  expect(filter?.description).toBe("A filter. Price: 20 points.");
});
