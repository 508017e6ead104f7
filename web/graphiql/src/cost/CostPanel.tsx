/** The plugin "Cost": the price of the operation by field, what the last run cost, and the budgets. */
import type { GraphiQLPlugin } from "@graphiql/react";
import { Fragment } from "react";
import { lastRun } from "../api/runs";
import { text } from "../text";
import { useValue } from "../value";
import type { FieldPrice } from "./prices";
import { price } from "./usePrice";
import { type Layer, useRateLimit } from "./useRateLimit";

export const COST_PLUGIN: GraphiQLPlugin = { title: text.cost.title, icon: CostIcon, content: CostPanel };

function CostPanel() {
  const cost = useValue(lastRun)?.answer.extensions?.cost;
  const layers = useRateLimit();
  return (
    <section className="panel" aria-label={text.cost.title}>
      <h2 className="panel-title">{text.cost.title}</h2>
      <PriceByField />
      {cost && (
        <>
          <h3>{text.cost.lastRun}</h3>
          <p>{text.cost.ran(cost.requestedQueryCost, cost.actualQueryCost)}</p>
        </>
      )}
      {layers.length > 0 && <Budgets layers={layers} />}
      <h3>{text.cost.rules}</h3>
      <p>{text.cost.ruleOfObjects}</p>
    </section>
  );
}

function PriceByField() {
  const state = useValue(price);
  if (state.is !== "known") return <p>{state.is === "refused" ? state.reason : text.cost[state.is]}</p>;
  const { requestedQueryCost, maximum, fields } = state.price;
  return (
    <>
      <p className="price">{text.cost.price(requestedQueryCost)}</p>
      <p>{text.cost.maximum(maximum)}</p>
      {fields && fields.length > 0 && <FieldTable fields={fields} />}
    </>
  );
}

/** Fields that cost nothing, with everything below them, are left out. */
function FieldTable({ fields }: { fields: FieldPrice[] }) {
  const { caption, field, times, cost, total } = text.cost.fields;
  const paid = fields.filter((one) => one.total > 0);
  return (
    <div className="scrolls" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{field}</th>
            <th scope="col">{times}</th>
            <th scope="col">{cost}</th>
            <th scope="col">{total}</th>
          </tr>
        </thead>
        <tbody>
          {paid.map((one) => (
            <tr key={one.path}>
              <th scope="row">
                <Path path={one.path} />
              </th>
              <td>{text.number(one.times)}</td>
              <td>{text.number(one.cost)}</td>
              <td>{text.number(one.total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A path that a line breaks before its dots. */
function Path({ path }: { path: string }) {
  return path.split(/(?=\.)/).map((part, index) => (
    <Fragment key={index}>
      {part}
      <wbr />
    </Fragment>
  ));
}

function Budgets({ layers }: { layers: Layer[] }) {
  return (
    <>
      <h3>{text.cost.budgets}</h3>
      <ul className="budgets">
        {layers.map(({ name, limit, remaining, restoreRate }) => (
          <li key={name}>
            <span id={`budget-${name}`}>{text.cost.layers[name] ?? name}</span>
            <meter aria-labelledby={`budget-${name}`} max={limit} low={limit / 4} value={remaining} />
            <span>{text.cost.left(remaining, limit, restoreRate)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function CostIcon() {
  return (
    <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.6" aria-hidden="true">
      <ellipse cx="12" cy="6" rx="8" ry="3" />
      <path d="M4 6v6c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12v6c0 1.7 3.6 3 8 3s8-1.3 8-3v-6" />
    </svg>
  );
}
