/** GraphQL over HTTP: one operation, sent again where that is safe. */
import { dataOf } from "./answers";
import type { TypedDocument } from "./documents";
import { CloudKeepError, hasCode } from "./errors";
import type { Session } from "./session";
import { asked, backoff, delay, type Wait } from "./waiting";

export interface RequestOptions {
  signal?: AbortSignal;
  /** Whether the mutation may be sent again when its answer was lost. A query always may. */
  idempotent?: boolean;
  /** How often it is sent when the network or the server is away: 5 by default. */
  attempts?: number;
  /** Called instead of the client's `onWait`. */
  onWait?: (wait: Wait) => void;
}

export type Request = <Result, Variables>(
  document: TypedDocument<Result, Variables>,
  variables: Variables,
  options?: RequestOptions,
) => Promise<Result>;

/** A function that sends operations to `url`. */
export function requests(url: string, session: Session, fetch: typeof globalThis.fetch, onWait?: (wait: Wait) => void) {
  async function post(query: string, variables: unknown, signal?: AbortSignal): Promise<unknown> {
    const authorization = await session.authorization();
    const headers = { "Content-Type": "application/json", Accept: "application/graphql-response+json" };
    try {
      const response = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { ...headers, ...authorization },
        body: JSON.stringify({ query, variables }),
        credentials: "same-origin",
        signal: signal ?? null,
      });
      const text = await response.text();
      return dataOf({ status: response.status, header: (name) => response.headers.get(name), text });
    } catch (error) {
      signal?.throwIfAborted();
      throw error instanceof CloudKeepError ? error : unreachable(error);
    }
  }

  return async function request<Result, Variables>(
    document: TypedDocument<Result, Variables>,
    variables: Variables,
    options: RequestOptions = {},
  ): Promise<Result> {
    const query = document.toString();
    const isSafe = options.idempotent || !/^\s*mutation/.test(query);
    let refusals = 0;
    for (let failures = 1; ; failures++) {
      const { signIns } = session;
      try {
        return (await post(query, variables, options.signal)) as Result;
      } catch (error) {
        if (hasCode(error, "UNAUTHENTICATED")) {
          await session.renew(error, ++refusals, signIns);
          continue;
        }
        const { seconds, counts } = next(error, failures, isSafe && failures < (options.attempts ?? 5));
        if (!counts) failures--;
        const { code } = error as CloudKeepError;
        (options.onWait ?? onWait)?.({ code, retryAfter: seconds });
        await delay(seconds, options.signal, code === "NETWORK");
      }
    }
  };
}

/** An error for a request without a response. */
export function unreachable(cause: unknown): CloudKeepError {
  return new CloudKeepError("NETWORK", "The server cannot be reached.", { cause });
}

/** Seconds until the next attempt, and whether this one counts as a failure. Throws the error if there is none. */
function next(error: unknown, failures: number, mayRepeat: boolean): { seconds: number; counts: boolean } {
  // Nothing of these has run.
  if (hasCode(error, "RATE_LIMITED", "TOO_MANY_CONNECTIONS", "SERVER_BUSY") && error.retryAfter !== null) {
    return { seconds: asked(error.retryAfter), counts: false };
  }
  const isAway = hasCode(error, "NOT_READY") || (mayRepeat && hasCode(error, "NETWORK", "TEMPORARILY_UNAVAILABLE"));
  if (!isAway) throw error;
  return { seconds: Math.max(backoff(failures), error.retryAfter ?? 0), counts: true };
}
