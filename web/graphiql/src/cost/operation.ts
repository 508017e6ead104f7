/** What is in the editors, if the server could run it: only that has a price. */
import { getOperationAST, getVariableValues, type GraphQLSchema, parse, print, validate } from "graphql";

/** An operation without comments, so that they change nothing. */
export interface Operation {
  query: string;
  variables: Record<string, unknown>;
  operationName: string | null;
}

/** The operation of a document; null if it is not valid, or if it is not clear which one is meant. */
export function readOperation(
  schema: GraphQLSchema,
  query: string,
  variables: Record<string, unknown> | null,
  operationName: string | undefined,
): Operation | null {
  try {
    const document = parse(query);
    const operation = getOperationAST(document, operationName);
    if (!operation || !variables || validate(schema, document).length) return null;
    if (getVariableValues(schema, operation.variableDefinitions ?? [], variables).errors) return null;
    return { query: print(document), variables, operationName: operation.name?.value ?? null };
  } catch {
    return null;
  }
}
