/** Reads what the schema's directives say about prices: an introspection has descriptions, but no directives. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type ConstDirectiveNode, isTypeDefinitionNode, parse, valueFromASTUntyped } from "graphql";
import type { Plugin } from "vite";

const MODULE = "virtual:prices";

/** What a price depends on, as far as directives say it. */
export interface PriceRule {
  /** The points of `@cost`. */
  weight?: number;
  /** The length of the list if no argument sets it. */
  length?: number;
  /** The arguments that set the length of the list. */
  lengthArguments?: string[];
}

/** The rules by schema coordinate, such as `Query.files` or `Folder.items(filter:)`. */
export type PriceRules = Record<string, PriceRule>;

/** Makes the rules of a schema's file the module `virtual:prices`. */
export function prices(schema: URL): Plugin {
  const path = fileURLToPath(schema);
  return {
    name: "prices",
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : null),
    load(id) {
      if (id !== `\0${MODULE}`) return null;
      this.addWatchFile(path);
      return `export default ${JSON.stringify(rulesOf(readFileSync(path, "utf-8")))}`;
    },
  };
}

/** The rules in a schema's text. */
export function rulesOf(sdl: string): PriceRules {
  const rules: PriceRules = {};
  const note = (coordinate: string, directives: readonly ConstDirectiveNode[] = []): void => {
    const rule = ruleOf(directives);
    if (Object.keys(rule).length) rules[coordinate] = rule;
  };
  for (const type of parse(sdl, { noLocation: true }).definitions.filter(isTypeDefinitionNode)) {
    note(type.name.value, type.directives);
    for (const field of ("fields" in type && type.fields) || []) {
      const coordinate = `${type.name.value}.${field.name.value}`;
      note(coordinate, field.directives);
      for (const argument of ("arguments" in field && field.arguments) || [])
        note(`${coordinate}(${argument.name.value}:)`, argument.directives);
    }
  }
  return rules;
}

function ruleOf(directives: readonly ConstDirectiveNode[]): PriceRule {
  const { weight } = argumentsOf(directives, "cost");
  const { assumedSize, slicingArguments } = argumentsOf(directives, "listSize");
  return {
    ...(weight != null && { weight: Number(weight) }),
    ...(typeof assumedSize === "number" && { length: assumedSize }),
    ...(Array.isArray(slicingArguments) && { lengthArguments: slicingArguments.map(String) }),
  };
}

function argumentsOf(directives: readonly ConstDirectiveNode[], name: string): Record<string, unknown> {
  const given = directives.find((directive) => directive.name.value === name)?.arguments ?? [];
  return Object.fromEntries(given.map((argument) => [argument.name.value, valueFromASTUntyped(argument.value)]));
}
