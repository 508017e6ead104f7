/** One line below the answer: the price of what is typed, and the points that are left. */
import { text } from "../text";
import { useValue } from "../value";
import { lastCost } from "./budget";
import { price } from "./usePrice";

export function CostLine() {
  const state = useValue(price);
  const cost = useValue(lastCost)?.cost;
  const parts = [
    state.is === "known" && text.cost.price(state.price.requestedQueryCost),
    state.is === "low" && text.cost.low,
    cost?.throttleStatus && text.cost.line(cost.throttleStatus),
  ].filter(Boolean);
  return <p className="cost-line">{parts.join(" · ")}</p>;
}
