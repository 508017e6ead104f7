/** JSON with comments and trailing commas, as the editors take it. */
import { tryParseJSONC } from "@graphiql/react";

/** The object of an editor; empty without text, null if the text is no object. */
export function readObject(editor: string): Record<string, unknown> | null {
  try {
    return tryParseJSONC(editor) ?? {};
  } catch {
    return null;
  }
}
