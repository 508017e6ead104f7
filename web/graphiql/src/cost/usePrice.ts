/** The price of the operation in the editors, while it is typed. */
import { useGraphiQL, useOperationsEditorState, useVariablesEditorState } from "@graphiql/react";
import { useEffect } from "react";
import { readObject } from "../json";
import { useHeaders } from "../useHeaders";
import { createValue } from "../value";
import { readOperation } from "./operation";
import { type Price, priceOf } from "./prices";

/** How long somebody who types stops before the price is asked for, in milliseconds. */
const PAUSE = 600;

type State =
  /** There is no valid operation. */
  | { is: "none" }
  | { is: "known"; price: Price }
  /** The budget is too low to ask. */
  | { is: "low" }
  | { is: "refused"; reason: string };

/** What is known about the price. */
export const price = createValue<State>({ is: "none" });

/** Keeps the price up to date. */
export function usePrice(byField: boolean): void {
  const [query] = useOperationsEditorState();
  const [variables] = useVariablesEditorState();
  const headers = useHeaders();
  const { schema, operationName } = useGraphiQL((state) => ({
    schema: state.schema,
    operationName: state.operationName,
  }));

  useEffect(() => {
    const stopped = new AbortController();
    const show = (state: State): void => {
      if (!stopped.signal.aborted) price.set(state);
    };
    const ask = (): void => {
      const operation = schema ? readOperation(schema, query, readObject(variables), operationName) : null;
      if (!operation) return show({ is: "none" });
      priceOf(operation, byField, headers, stopped.signal).then(
        (found) => show(found ? { is: "known", price: found } : { is: "low" }),
        (error: unknown) => show({ is: "refused", reason: error instanceof Error ? error.message : String(error) }),
      );
    };
    const timer = setTimeout(ask, PAUSE);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [query, variables, headers, schema, operationName, byField]);
}
