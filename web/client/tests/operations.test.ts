import { readFileSync } from "node:fs";

import { buildSchema, parse, validate } from "graphql";
import { expect, it } from "vitest";

import * as operations from "../src/uploads/operations";
import { ABORT_UPLOAD } from "../src/uploads/upload";

const schema = buildSchema(readFileSync(new URL("../../../schema/schema.graphql", import.meta.url), "utf8"));

it.each(Object.entries({ ...operations, ABORT_UPLOAD }))("%s is valid for the schema", (_, document) => {
  expect(validate(schema, parse(document.toString()))).toEqual([]);
});
