import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { createClient, type Wait } from "../src";

const DATA = { data: { me: null } };
const QUERY = "{ me { id } }";
const MUTATION = "mutation { logout { done } }";

type Outcome = object | Error;

/** A client whose server gives these answers, the last one for ever. */
function answeredBy(...outcomes: Outcome[]) {
  const waits: Wait[] = [];
  const fetch = vi.fn<typeof globalThis.fetch>((_, init) => {
    init?.signal?.throwIfAborted();
    const outcome = outcomes.length > 1 ? outcomes.shift() : outcomes[0];
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(Response.json(outcome));
  });
  const client = createClient({
    url: "http://server.test/",
    auth: { cookie: true },
    fetch,
    onWait: (wait) => waits.push(wait),
  });
  return { client, fetch, waits };
}

const failure = (code: string, retryAfter?: number | null) => ({
  errors: [{ message: code, extensions: { code, retryAfter } }],
});
const LOST = new TypeError("fetch failed");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** The outcome of a request, whose waits pass at once. */
async function outcome<Result>(request: Promise<Result>): Promise<unknown> {
  const settled = request.catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  return settled;
}

describe("a request", () => {
  it("waits as long as the budget asks, and says so", async () => {
    const { client, waits } = answeredBy(failure("RATE_LIMITED", 4), DATA);
    expect(await outcome(client.request(QUERY, {}))).toEqual(DATA.data);
    expect(waits).toEqual([{ code: "RATE_LIMITED", retryAfter: expect.closeTo(4.2, 0.21) as number }]);
  });

  it("fails if waiting does not help", async () => {
    const { client, fetch } = answeredBy(failure("RATE_LIMITED", null));
    expect(await outcome(client.request(QUERY, {}))).toMatchObject({ code: "RATE_LIMITED", retryAfter: null });
    expect(fetch).toHaveBeenCalledOnce();
  });

  it("can be cancelled while it waits", async () => {
    const { client } = answeredBy(failure("RATE_LIMITED", 1000));
    const page = new AbortController();
    const asking = client.request(QUERY, {}, { signal: page.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10);
    page.abort("gone");
    expect(await asking).toBe("gone");
  });

  it.each([
    ["a query", QUERY, {}, 3],
    ["an idempotent mutation", MUTATION, { idempotent: true }, 3],
    ["another mutation", MUTATION, {}, 1],
    ["a mutation after a fragment", `fragment F on Me { id } ${MUTATION}`, {}, 1],
  ])("sends %s again when the network is away", async (_, document, options, calls) => {
    const { client, fetch } = answeredBy(LOST, LOST, DATA);
    await outcome(client.request(document, {}, options));
    expect(fetch).toHaveBeenCalledTimes(calls);
  });

  it("gives up after some attempts", async () => {
    const { client, fetch } = answeredBy(LOST);
    expect(await outcome(client.request(QUERY, {}))).toMatchObject({ code: "NETWORK", cause: LOST });
    expect(fetch).toHaveBeenCalledTimes(5);
  });

  it("does not count the waits for a budget as attempts", async () => {
    const limited = Array.from({ length: 20 }, () => failure("RATE_LIMITED", 1));
    const { client } = answeredBy(...limited, LOST, LOST, LOST, LOST, DATA);
    expect(await outcome(client.request(QUERY, {}))).toEqual(DATA.data);
  });

  it("is never sent again for a mistake", async () => {
    const { client, fetch } = answeredBy(failure("GRAPHQL_INVALID"));
    expect(await outcome(client.request(QUERY, {}))).toMatchObject({ code: "GRAPHQL_INVALID" });
    expect(fetch).toHaveBeenCalledOnce();
  });

  it("sends a mutation again that a server refused while it started", async () => {
    const { client } = answeredBy(failure("NOT_READY"), DATA);
    expect(await outcome(client.request(MUTATION, {}))).toEqual(DATA.data);
  });

  it("is sent again when there is no answer for a minute", async () => {
    const limits: AbortController[] = [];
    vi.spyOn(AbortSignal, "timeout").mockImplementation((milliseconds) => {
      expect(milliseconds).toBe(60_000);
      limits.push(new AbortController());
      return limits.at(-1)?.signal ?? AbortSignal.abort();
    });
    const { client, fetch } = answeredBy(DATA);
    fetch.mockImplementationOnce(
      (_, init) =>
        new Promise((__, reject) => init?.signal?.addEventListener("abort", () => reject(new Error("timeout")))),
    );
    const asking = client.request(QUERY, {});
    await vi.advanceTimersByTimeAsync(10);
    limits[0]?.abort();
    expect(await outcome(asking)).toEqual(DATA.data);
    expect(fetch).toHaveBeenCalledTimes(2);
    vi.restoreAllMocks();
  });

  it("goes to the client's server", async () => {
    const { client, fetch } = answeredBy(DATA);
    await outcome(client.request(QUERY, { id: 1 }));
    expect(fetch.mock.calls[0]?.[0]).toBe("http://server.test/graphql");
    expect(fetch.mock.calls[0]?.[1]?.body).toBe(JSON.stringify({ query: QUERY, variables: { id: 1 } }));
  });
});
