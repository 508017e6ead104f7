/** A document as a string, with the types of its result and variables, as GraphQL Code Generator writes it. */
export interface TypedDocument<Result, Variables> {
  toString(): string;
  __apiType?: (variables: Variables) => Result;
}

/** A typed document of this package. */
export function document<Result, Variables>(text: string): TypedDocument<Result, Variables> {
  return text;
}
