import { afterEach, expect, test, vi } from "vitest";

import { browserStorage } from "./storage";

afterEach(() => void vi.unstubAllGlobals());

test("keeps what the browser keeps", () => {
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  });
  browserStorage.setItem("layout", "grid");
  expect(browserStorage.getItem("layout")).toBe("grid");
  browserStorage.removeItem("layout");
  expect(browserStorage.getItem("layout")).toBeNull();
});

test("keeps nothing where the browser refuses, and throws nothing", () => {
  vi.stubGlobal("localStorage", undefined);
  browserStorage.setItem("layout", "grid");
  browserStorage.removeItem("layout");
  expect(browserStorage.getItem("layout")).toBeNull();
});
