/** What the browser keeps for the page. Where it refuses that, the page works, and forgets its choices. */

type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Choices of this browser. */
export const browserStorage = forgiving(() => localStorage);
/** What belongs to this tab, and survives a reload of the page. */
export const tabStorage = forgiving(() => sessionStorage);

/** A storage that fails silently. In some browsers already the name of the real one throws. */
function forgiving(storage: () => Storage): Kept {
  return {
    getItem: (key) => attempt(() => storage().getItem(key)) ?? null,
    setItem: (key, value) => void attempt(() => storage().setItem(key, value)),
    removeItem: (key) => void attempt(() => storage().removeItem(key)),
  };
}

function attempt<Result>(use: () => Result): Result | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}
