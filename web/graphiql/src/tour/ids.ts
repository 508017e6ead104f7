/** Takes IDs from answers, and puts them into the variables of the tabs that need them. */
import type { Answer } from "../api/http";

/** Where an answer has the value of a variable. */
const SOURCES: Record<string, string[]> = {
  registrationId: ["register", "registration", "id"],
  uploadId: ["initUpload", "upload", "id"],
};

const newest = new Map<string, string>();
/** Everything that was filled in: only that is replaced, and what is empty. */
const filled = new Set([""]);

/** Remembers the IDs of an answer. */
export function hearIds({ data }: Answer): void {
  for (const [name, path] of Object.entries(SOURCES)) {
    const id = path.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], data);
    if (typeof id === "string") newest.set(name, id);
  }
}

/** Variables with the newest IDs, as JSON; null if nothing changes. */
export function fillIn(variables: string): string | null {
  let changed = false;
  const fill = (name: string, value: unknown): unknown => {
    const id = newest.get(name);
    if (id === undefined || id === value || typeof value !== "string" || !filled.has(value)) return value;
    changed = true;
    filled.add(id);
    return id;
  };
  try {
    const result = JSON.stringify(JSON.parse(variables), fill, 2);
    return changed ? result : null;
  } catch {
    return null;
  }
}
