/** A value that React's components can watch from outside of React. */
import { useSyncExternalStore } from "react";

export interface Value<T> {
  get: () => T;
  set: (value: T) => void;
  subscribe: (listener: () => void) => () => void;
}

/** A value that tells its listeners of each change. */
export function createValue<T>(value: T): Value<T> {
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The current value. */
export const useValue = <T>(value: Value<T>): T => useSyncExternalStore(value.subscribe, value.get);
