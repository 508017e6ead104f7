/** How lists of files are shown: a choice of this browser. */
import type { ItemOrder } from "../../api/generated/graphql";
import { BY_NAME } from "../../drive/order";
import { browserStorage } from "../../ui/storage";

export type Layout = "grid" | "list";

const KEY = "cloudkeep.view";
const FIELDS: readonly string[] = ["NAME", "SIZE", "CREATED_AT", "UPDATED_AT"] satisfies ItemOrder["field"][];

interface Choice {
  layout: Layout;
  order: ItemOrder;
}

/** The choice that was stored as this text, or else the default. */
export function parseView(text: string | null): Choice {
  const { layout, order } = parsed(text);
  return { layout: layout === "list" ? "list" : "grid", order: isOrder(order) ? order : BY_NAME };
}

function parsed(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value ? { ...value } : {};
  } catch {
    return {};
  }
}

function isOrder(value: unknown): value is ItemOrder {
  if (typeof value !== "object" || !value || !("field" in value && "direction" in value)) return false;
  return FIELDS.includes(String(value.field)) && (value.direction === "ASC" || value.direction === "DESC");
}

class View {
  #choice = $state.raw<Choice>(parseView(browserStorage.getItem(KEY)));

  get layout(): Layout {
    return this.#choice.layout;
  }

  set layout(layout: Layout) {
    this.#choose({ ...this.#choice, layout });
  }

  get order(): ItemOrder {
    return this.#choice.order;
  }

  set order(order: ItemOrder) {
    this.#choose({ ...this.#choice, order });
  }

  #choose(choice: Choice): void {
    this.#choice = choice;
    browserStorage.setItem(KEY, JSON.stringify(choice));
  }
}

export const view = new View();
