/** How GraphiQL runs operations: subscriptions over a WebSocket, everything else by POST. */
import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, type IntrospectionQuery, type OperationDefinitionNode, parse } from "graphql";
import { post, type Answer, type Headers } from "./http";
import { subscription } from "./socket";

/** The name of GraphiQL's own query for the schema. */
export const SCHEMA_QUERY = "GraphiQLSchema";

/** An operation that was run in an editor. */
export interface Run {
  params: FetcherParams;
  headers: Headers;
}

interface Options {
  /** Changes the schema before GraphiQL shows it. */
  describe: (schema: IntrospectionQuery) => IntrospectionQuery;
  /** Hears every answer, and what was run if it was not GraphiQL's own query. */
  heard: (answer: Answer, run?: Run) => void;
}

/** The fetcher for GraphiQL. */
export function createFetcher({ describe, heard }: Options): Fetcher {
  return (params, options) => {
    const headers = options?.headers ?? {};
    if (params.operationName === SCHEMA_QUERY && !options?.documentAST) return fetchSchema(params, headers);
    const operation = operationOf(params);
    const run = { params: { ...params, operationName: operation?.name?.value }, headers };
    if (operation?.operation === "subscription") {
      return subscription(run.params, headers, (answer) => heard(answer, run));
    }
    return post(run.params, headers).then((answer) => {
      heard(answer, run);
      return answer;
    });
  };

  async function fetchSchema(query: FetcherParams, headers: Headers): Promise<Answer> {
    const answer = await post(query, headers);
    heard(answer);
    // The data of this query is an introspection.
    const schema = answer.data as unknown as IntrospectionQuery | null | undefined;
    return schema ? { ...answer, data: { ...describe(schema) } } : answer;
  }
}

/**
 * The operation that is meant; undefined if that is not clear. Just after another tab was opened, GraphiQL still names
 * the operation of the tab before.
 */
function operationOf({ query, operationName }: FetcherParams): OperationDefinitionNode | undefined {
  try {
    const document = parse(query);
    return getOperationAST(document, operationName) ?? getOperationAST(document) ?? undefined;
  } catch {
    // The server tells what is wrong.
    return undefined;
  }
}
