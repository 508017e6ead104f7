import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hearCost, lastCost } from "./budget";
import { priceOf } from "./prices";

const signal = new AbortController().signal;
const operation = (query: string) => ({ query, variables: {}, operationName: null });
const asked = vi.fn<typeof fetch>();

beforeEach(() => {
  lastCost.set(null);
  vi.stubGlobal("fetch", asked);
  asked.mockImplementation((_, request) => {
    const { variables } = JSON.parse(request?.body as string) as { variables: { byField: boolean } };
    const operationCost = { requestedQueryCost: 2, maximum: 10000, ...(variables.byField && { fields: [] }) };
    return Promise.resolve(Response.json({ data: { operationCost } }));
  });
});

afterEach(() => {
  asked.mockReset();
  vi.unstubAllGlobals();
});

test("the same operation is asked for once", async () => {
  expect(await priceOf(operation("{ a }"), false, {}, signal)).toMatchObject({ requestedQueryCost: 2 });
  await priceOf(operation("{ a }"), false, {}, signal);
  expect(asked).toHaveBeenCalledTimes(1);
});

test("a price by field answers both questions, and one without does not", async () => {
  await priceOf(operation("{ b }"), false, {}, signal);
  await priceOf(operation("{ b }"), true, {}, signal);
  await priceOf(operation("{ b }"), true, {}, signal);
  await priceOf(operation("{ b }"), false, {}, signal);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("nothing is asked for while the budget is low", async () => {
  const throttleStatus = { maximumAvailable: 2000, currentlyAvailable: 100, restoreRate: 1 };
  hearCost({ extensions: { cost: { requestedQueryCost: 1, actualQueryCost: 1, throttleStatus } } });
  expect(await priceOf(operation("{ c }"), false, {}, signal)).toBeNull();
  expect(asked).not.toHaveBeenCalled();
});

test("a refusal has the server's reason", async () => {
  asked.mockResolvedValue(Response.json({ errors: [{ message: "Too complex." }] }));
  await expect(priceOf(operation("{ d }"), false, {}, signal)).rejects.toThrow("Too complex.");
});
