/** A form that is sent to the server: whether it is on its way, and what was wrong with it. */
import { CloudKeepError } from "@cloudkeep/client";

import { now } from "../format/clock.svelte";
import { Cancelled } from "./cancelled";

/** What is wrong with fields, by their names in the input of the mutation. */
export type Problems = Readonly<Record<string, string>>;

interface Options {
  /** The fields that can show what is wrong with them. */
  fields: readonly string[];
  /** The field that an error belongs to, by its code, where the server does not name one. */
  places?: Readonly<Record<string, string>>;
}

export class Form {
  isSending = $state(false);
  problems = $state.raw<Problems>({});
  /** Why it was not accepted, if that is about no field. */
  error = $state.raw<unknown>(null);
  /** When it can be sent again, in milliseconds: the server refuses it until then. */
  waitsUntil = $state.raw(0);
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  get isWaiting(): boolean {
    return this.waitsUntil > 0 && this.waitsUntil > now();
  }

  /** Send it, unless `problems` are known beforehand. Returns whether that succeeded. */
  async send(action: () => Promise<void>, problems: Problems = {}): Promise<boolean> {
    if (this.isSending || this.isWaiting) return false;
    this.problems = problems;
    this.error = null;
    if (Object.keys(problems).length > 0) return false;
    this.isSending = true;
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof Cancelled)) this.#explain(error);
      return false;
    } finally {
      this.isSending = false;
    }
  }

  #explain(error: unknown): void {
    if (!(error instanceof CloudKeepError)) {
      this.error = error;
      return;
    }
    if (error.retryAfter !== null) this.waitsUntil = Date.now() + error.retryAfter * 1000;
    const all = error.userErrors.length > 0 ? error.userErrors : [error];
    const problems: Record<string, string> = {};
    for (const each of all) {
      const field = this.#placeOf(each);
      if (field) problems[field] ??= each.message;
      else this.error ??= error;
    }
    this.problems = problems;
  }

  #placeOf({ code, field }: { code: string; field?: readonly string[] | null }): string | undefined {
    const name = field?.at(-1);
    return this.#options.fields.find((known) => known === name) ?? this.#options.places?.[code];
  }
}

/** The fields that are empty, each with a text that asks for it. */
export function missing(values: Readonly<Record<string, string>>, texts: Problems): Problems {
  return Object.fromEntries(Object.entries(texts).filter(([name]) => !values[name]?.trim()));
}
