/** Finds the shortcut that keys mean. */

export interface Stroke {
  /** The key, as `KeyboardEvent.key` has it. */
  key: string;
  isMod: boolean;
  /** When it was pressed, in milliseconds. */
  at: number;
}

/** The second key of two comes within this time. */
const TOGETHER_MS = 1500;

/** A function that finds which of some shortcuts a stroke completes, if any. It remembers the stroke before. */
export function matcher(): (stroke: Stroke, shortcuts: readonly string[]) => string | null {
  let before: { keys: string; at: number } | null = null;
  return (stroke, shortcuts) => {
    const keys = textOf(stroke);
    const pair = before && stroke.at - before.at < TOGETHER_MS ? `${before.keys} ${keys}` : null;
    const found = [pair, keys].find((one) => one !== null && shortcuts.includes(one)) ?? null;
    before = found ? null : { keys, at: stroke.at };
    return found;
  };
}

function textOf({ key, isMod }: Stroke): string {
  const name = key.length === 1 ? key.toLowerCase() : key;
  return isMod ? `mod+${name}` : name;
}

/** The keys of a shortcut as they are shown, one word for each. */
export function shownKeys(keys: string, isMac: boolean): string[] {
  return keys.split(/[ +]/).map((key) => shownKey(key, isMac));
}

function shownKey(key: string, isMac: boolean): string {
  if (key.toLowerCase() === "mod") return isMac ? "⌘" : "Ctrl";
  return key.length === 1 ? key.toUpperCase() : key;
}
