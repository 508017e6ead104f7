/** GraphQL over HTTP: one operation, sent again where that is safe. */
import { dataOf } from "./answers";
import type { TypedDocument } from "./documents";
import { CloudKeepError, hasCode } from "./errors";
import type { Session } from "./session";
import { asked, backoff, delay, type Wait } from "./waiting";

const ATTEMPTS = 5;
/** Milliseconds until a connection without an answer counts as lost: browsers would wait for minutes. */
const PATIENCE = 60_000;
/** The operation may follow fragments. */
const MUTATION = /(^|[}\n])\s*mutation\b/;

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
    const limit = AbortSignal.timeout(PATIENCE);
    try {
      const response = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/graphql-response+json",
          ...authorization,
        },
        body: JSON.stringify({ query, variables }),
        credentials: "same-origin",
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
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
    const isSafe = options.idempotent || !MUTATION.test(query);
    let [failures, refusals] = [0, 0];
    for (;;) {
      const { signIns } = session;
      try {
        return (await post(query, variables, options.signal)) as Result;
      } catch (error) {
        if (!(error instanceof CloudKeepError)) throw error;
        if (hasCode(error, "UNAUTHENTICATED")) {
          await session.renew(error, ++refusals, signIns);
          continue;
        }
        const seconds =
          refusalOf(error) ?? absenceOf(error, ++failures, isSafe && failures < (options.attempts ?? ATTEMPTS));
        (options.onWait ?? onWait)?.({ code: error.code, retryAfter: seconds });
        await delay(seconds, options.signal, hasCode(error, "NETWORK"));
      }
    }
  };
}

/** An error for a request without a response. */
export function unreachable(cause: unknown): CloudKeepError {
  return new CloudKeepError("NETWORK", "The server does not answer.", { cause });
}

/** Seconds to wait if nothing of the operation has run because too much was asked; else null. */
function refusalOf(error: CloudKeepError): number | null {
  const isRefusal = hasCode(error, "RATE_LIMITED", "TOO_MANY_CONNECTIONS", "SERVER_BUSY");
  return isRefusal && error.retryAfter !== null ? asked(error.retryAfter) : null;
}

/** Seconds to wait after so many failures because the server is away. Throws the error if it is another one. */
function absenceOf(error: CloudKeepError, failures: number, mayRepeat: boolean): number {
  const isAway = hasCode(error, "NOT_READY") || (mayRepeat && hasCode(error, "NETWORK", "TEMPORARILY_UNAVAILABLE"));
  if (!isAway) throw error;
  return Math.max(backoff(failures), error.retryAfter ?? 0);
}
