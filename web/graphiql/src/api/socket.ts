/** Subscriptions over a WebSocket. */
import type { FetcherParams, Observable } from "@graphiql/toolkit";
import type { ExecutionResult } from "graphql";
import { createClient } from "graphql-ws";
import { text } from "../text";
import { ENDPOINT, type Answer, type Headers } from "./http";

/** The events of a subscription on a WebSocket of its own, which is closed with it. */
export function subscription(
  { query, operationName, variables }: FetcherParams,
  headers: Headers,
  heard: (answer: Answer) => void,
): Observable<ExecutionResult> {
  const subscribe = (observer: Observer): { unsubscribe: () => void } => {
    // A browser sends no headers with a WebSocket, so the server takes a token from the first message.
    const client = createClient({ url: socketUrl(), connectionParams: headers });
    const stop = client.subscribe(
      { query, operationName, variables: variables as Record<string, unknown> | undefined },
      {
        next(answer) {
          heard(answer as Answer);
          observer.next(answer as ExecutionResult);
        },
        error: (error) => observer.error(readable(error)),
        complete: () => observer.complete(),
      },
    );
    return {
      unsubscribe() {
        stop();
        void client.dispose();
      },
    };
  };
  // GraphiQL only calls it with an observer.
  return { subscribe } as Observable<ExecutionResult>;
}

interface Observer {
  next(answer: ExecutionResult): void;
  error(error: unknown): void;
  complete(): void;
}

const socketUrl = (): string => new URL(ENDPOINT, location.origin.replace(/^http/, "ws")).href;

const readable = (error: unknown): unknown =>
  error instanceof CloseEvent ? new Error(text.socketClosed(error.code, error.reason)) : error;
