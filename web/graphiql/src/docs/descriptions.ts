/** Adds to the descriptions of the schema what only its directives say about prices. */
import type { IntrospectionQuery } from "graphql";
import type { PriceRule, PriceRules } from "../../build/prices";
import { text } from "../text";

interface Described {
  readonly name: string;
  readonly description?: string | null;
}

/** The introspection with a price and the length of a list in each description that lacks them. */
export function withPrices(introspection: IntrospectionQuery, rules: PriceRules): IntrospectionQuery {
  const described = <T extends Described>(element: T, coordinate: string): T => ({
    ...element,
    description: descriptionOf(element.description ?? "", rules[coordinate]),
  });
  const types = introspection.__schema.types.map((type) => {
    const coordinate = (field: Described): string => `${type.name}.${field.name}`;
    if (type.kind === "OBJECT" || type.kind === "INTERFACE")
      return described(
        {
          ...type,
          fields: type.fields.map((field) => ({
            ...described(field, coordinate(field)),
            args: field.args.map((argument) => described(argument, `${coordinate(field)}(${argument.name}:)`)),
          })),
        },
        type.name,
      );
    return type;
  });
  return { __schema: { ...introspection.__schema, types } };
}

function descriptionOf(description: string, rule: PriceRule | undefined): string {
  if (!rule) return description;
  const { weight, length, lengthArguments } = rule;
  const price = weight === undefined || description.includes(text.docs.priceMark) ? "" : text.docs.price(weight);
  const list = length === undefined && !lengthArguments ? "" : text.docs.list(lengthArguments ?? [], length);
  return [description, price, list].filter(Boolean).join(" ");
}
