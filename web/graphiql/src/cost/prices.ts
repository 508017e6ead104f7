/** Prices of operations, which the server is asked for once each. */
import { type Headers, post } from "../api/http";
import { hearCost, isLow } from "./budget";
import type { Operation } from "./operation";

const PRICE = `query OperationPrice($query: String!, $variables: JSON, $operationName: String, $byField: Boolean!) {
  operationCost(query: $query, variables: $variables, operationName: $operationName) {
    requestedQueryCost
    maximum
    fields @include(if: $byField) { path times cost total }
  }
}`;
/** What the query above costs, and what it reserves for the list of fields. */
const RESERVE = 20;
const RESERVE_BY_FIELD = 1020;
const KEPT = 200;

/** The price of one field of an operation. */
export interface FieldPrice {
  path: string;
  times: number;
  cost: number;
  total: number;
}

/** The price of an operation, and of its fields if these were asked for. */
export interface Price {
  requestedQueryCost: number;
  maximum: number;
  fields?: FieldPrice[];
}

const cache = new Map<string, Price>();

/** The price; null while the budget is too low to ask for it. Rejects with the server's reason if there is none. */
export async function priceOf(
  operation: Operation,
  byField: boolean,
  headers: Headers,
  signal: AbortSignal,
): Promise<Price | null> {
  const key = JSON.stringify(operation);
  const known = cache.get(key);
  if (known && (known.fields || !byField)) return known;
  if (isLow(byField ? RESERVE_BY_FIELD : RESERVE)) return null;
  const answer = await post<{ operationCost: Price }>(
    { query: PRICE, variables: { ...operation, byField } },
    headers,
    signal,
  );
  hearCost(answer);
  if (!answer.data) throw new Error(answer.errors?.[0]?.message);
  remember(key, answer.data.operationCost);
  return answer.data.operationCost;
}

function remember(key: string, price: Price): void {
  const oldest = cache.keys().next();
  if (cache.size >= KEPT && !oldest.done) cache.delete(oldest.value);
  cache.set(key, price);
}
