/** Storage that ends with the page. Operations may have passwords in their variables, and headers have tokens. */
import type { Storage } from "@graphiql/toolkit";

export function memory(): Storage {
  const entries = new Map<string, string>();
  return {
    getItem: (key) => entries.get(key) ?? null,
    setItem: (key, value) => void entries.set(key, value),
    removeItem: (key) => void entries.delete(key),
    clear: () => entries.clear(),
    get length() {
      return entries.size;
    },
  };
}
