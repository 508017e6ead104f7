/** One operation by POST, with the page's cookie or with the token of the header editor. */
import type { FetcherParams } from "@graphiql/toolkit";
import type { ExecutionResult } from "graphql";
import { text } from "../text";

export type Headers = Record<string, string>;

/** Where the API is: on the origin of this page. */
export const ENDPOINT = "/graphql";

/** What the server says about the price of an operation. */
export interface Cost {
  requestedQueryCost: number;
  actualQueryCost: number | null;
  throttleStatus: Bucket | null;
}

/** The budget with the fewest points left. */
export interface Bucket {
  maximumAvailable: number;
  currentlyAvailable: number;
  restoreRate: number;
}

export type Answer<T = Record<string, unknown>> = ExecutionResult<T, { cost?: Cost }>;

/** The answer to an operation. Rejects if the server did not answer with GraphQL. */
export async function post<T = Record<string, unknown>>(
  params: FetcherParams,
  headers: Headers = {},
  signal?: AbortSignal,
): Promise<Answer<T>> {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    // The server reads a cookie only where there is no token.
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json", ...headers },
    body: JSON.stringify(params),
    signal: signal ?? null,
  });
  const answer: unknown = await response.json().catch(() => null);
  if (typeof answer !== "object" || answer === null) throw new Error(text.noGraphQL(response.status));
  return answer;
}
