/** Subscriptions over one WebSocket, which graphql-ws opens with the first of them. */
import type { Client as Socket } from "graphql-ws";

import { failureOf, type GraphQLFailure } from "./answers";
import type { TypedDocument } from "./documents";
import { CloudKeepError, hasCode } from "./errors";
import type { Session } from "./session";
import { asked, backoff, delay, type Wait } from "./waiting";

/** `waiting`: the connection was lost, and is opened again. `offline`: that has failed several times in a row. */
export type Connection = "connected" | "waiting" | "offline";

export type Subscribe = <Result, Variables>(
  document: TypedDocument<Result, Variables>,
  /** With a function, what is sent when the connection was lost can begin after the last cursor. */
  variables: Variables | (() => Variables),
  options?: { signal?: AbortSignal },
) => AsyncIterable<Result>;

interface Listeners {
  onConnection?: (connection: Connection) => void;
  onWait?: (wait: Wait) => void;
}

const PING_EVERY = 20_000;
const PONG_WITHIN = 10_000;
const CLOSE_AFTER = 5_000;
/** Attempts to connect after which a person should be told. */
const OFFLINE_AFTER = 3;
const BAD_MESSAGE = 4400;
const TOKEN_INVALID = 4401;

/** A function that subscribes, and one that closes the socket. */
export function subscriptions(url: string, session: Session, { onConnection, onWait }: Listeners) {
  let socket: Promise<Socket> | undefined;

  async function open(): Promise<Socket> {
    const { createClient } = await import("graphql-ws");
    let silence: ReturnType<typeof setTimeout> | undefined;
    const client: Socket = createClient({
      url,
      connectionParams: session.authorization,
      lazyCloseTimeout: CLOSE_AFTER,
      keepAlive: PING_EVERY,
      retryAttempts: Infinity,
      shouldRetry: () => true,
      async retryWait(retries) {
        const isOffline = retries >= OFFLINE_AFTER || !(globalThis.navigator?.onLine ?? true);
        onConnection?.(isOffline ? "offline" : "waiting");
        await delay(backoff(retries + 1), undefined, true);
      },
      on: {
        connected: () => onConnection?.("connected"),
        closed: () => clearTimeout(silence),
        // A connection whose other end has vanished stays open for minutes, unless it is tested.
        ping: (received) => {
          if (!received) silence = setTimeout(() => client.terminate(), PONG_WITHIN);
        },
        pong: (received) => {
          if (received) clearTimeout(silence);
        },
      },
    });
    return client;
  }

  function opened(): Promise<Socket> {
    return (socket ??= open().catch((cause: unknown) => {
      socket = undefined;
      throw new CloudKeepError("NETWORK", "The script for subscriptions could not be loaded.", { cause });
    }));
  }

  async function* subscribe<Result, Variables>(
    document: TypedDocument<Result, Variables>,
    variables: Variables | (() => Variables),
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<Result, void, undefined> {
    const payload = {
      query: document.toString(),
      // graphql-ws sends the payload again when it has connected again.
      get variables() {
        return (typeof variables === "function" ? (variables as () => Variables)() : variables) as Record<
          string,
          unknown
        >;
      },
    };
    for (let failures = 0; ;) {
      signal?.throwIfAborted();
      const { signIns } = session;
      let stop = () => {};
      try {
        const events = (await opened()).iterate<Result>(payload);
        signal?.throwIfAborted();
        stop = () => void events.return?.();
        signal?.addEventListener("abort", stop);
        for await (const { data, errors } of events) {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- graphql-ws throws such a list, too
          if (errors) throw errors;
          // The next failure is the first again.
          failures = 0;
          if (data) yield data;
        }
        signal?.throwIfAborted();
        return;
      } catch (error) {
        signal?.throwIfAborted();
        await recover(failure(error), ++failures, signIns, signal);
      } finally {
        signal?.removeEventListener("abort", stop);
        stop();
      }
    }
  }

  /** Return when the subscription can start again. Throws the error if it cannot. */
  async function recover(
    error: CloudKeepError,
    failures: number,
    signIns: number,
    signal?: AbortSignal,
  ): Promise<void> {
    if (hasCode(error, "UNAUTHENTICATED")) return session.renew(error, failures, signIns);
    if (error.retryAfter === null && !hasCode(error, "NETWORK")) throw error;
    const seconds = error.retryAfter === null ? backoff(failures) : asked(error.retryAfter);
    onWait?.({ code: error.code, retryAfter: seconds });
    await delay(seconds, signal, true);
  }

  return {
    subscribe,
    async close() {
      await (await socket)?.dispose();
      socket = undefined;
    },
  };
}

/** The error that graphql-ws has thrown: errors of GraphQL, or the code with which the server closed the socket. */
function failure(thrown: unknown): CloudKeepError {
  if (Array.isArray(thrown)) return failureOf(thrown as readonly GraphQLFailure[]);
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown) || thrown instanceof CloudKeepError) {
    throw thrown;
  }
  const reason = "reason" in thrown ? String(thrown.reason) : "";
  const code = codeOf(Number(thrown.code));
  return new CloudKeepError(code, reason || `The WebSocket was closed with ${String(thrown.code)}.`, { cause: thrown });
}

/** The code for a closing code after which graphql-ws does not connect again by itself. */
function codeOf(closed: number): string {
  if (closed === TOKEN_INVALID) return "UNAUTHENTICATED";
  return closed === BAD_MESSAGE ? "MALFORMED_REQUEST" : "NETWORK";
}
