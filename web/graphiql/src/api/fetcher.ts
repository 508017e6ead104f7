/** How GraphiQL runs operations: subscriptions over a WebSocket, everything else by POST. */
import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { type DocumentNode, getOperationAST, type IntrospectionQuery } from "graphql";
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
    if (params.operationName === SCHEMA_QUERY && !options?.documentAST) return fetchSchema(params);
    const run = { params, headers };
    if (isSubscription(params, options?.documentAST))
      return subscription(params, headers, (answer) => heard(answer, run));
    return post(params, headers).then((answer) => {
      heard(answer, run);
      return answer;
    });

    async function fetchSchema(query: FetcherParams): Promise<Answer> {
      const answer = await post(query, headers);
      heard(answer);
      // The data of this query is an introspection.
      const schema = answer.data as unknown as IntrospectionQuery | null | undefined;
      return schema ? { ...answer, data: { ...describe(schema) } } : answer;
    }
  };
}

function isSubscription({ operationName }: FetcherParams, document?: DocumentNode): boolean {
  return document !== undefined && getOperationAST(document, operationName)?.operation === "subscription";
}
