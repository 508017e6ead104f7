/** This tab among the others. Browsers have no locks on pages without HTTPS: there, each tab works for itself. */

import { tabStorage } from "../../ui/storage";

const KEY = "cloudkeep.tab";
const TAB_LOCK = "cloudkeep.tab.";
const UPLOAD_LOCK = "cloudkeep.upload.";

let present: Promise<string> | undefined;

/** The name of this tab. It stays the same when the page is loaded again. */
export function thisTab(): Promise<string> {
  return (present ??= named());
}

/** The tabs that are open; null if this page may not know. */
export async function aliveTabs(): Promise<ReadonlySet<string> | null> {
  if (!hasLocks()) return null;
  const { held = [] } = await navigator.locks.query();
  const names = held.map(({ name = "" }) => name).filter((name) => name.startsWith(TAB_LOCK));
  return new Set(names.map((name) => name.slice(TAB_LOCK.length)));
}

/** Run `work` while no other tab works on this key. `onBusy` is called if another one does, before it waits. */
export async function alone<Result>(
  key: string,
  signal: AbortSignal,
  onBusy: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  if (!hasLocks()) return work();
  const name = UPLOAD_LOCK + key;
  const result = await navigator.locks.request(name, { ifAvailable: true }, async (lock) =>
    lock ? { value: await work() } : null,
  );
  if (result) return result.value;
  onBusy();
  return navigator.locks.request(name, { signal }, work);
}

async function named(): Promise<string> {
  const before = tabStorage.getItem(KEY);
  // A duplicate of a tab has a copy of its name.
  if (before && (await holds(before))) return before;
  const name = String(crypto.getRandomValues(new Uint32Array(2)).join("-"));
  tabStorage.setItem(KEY, name);
  await holds(name);
  return name;
}

/** Take the lock of a name for as long as the page is open. Returns whether it was free. */
function holds(name: string): Promise<boolean> {
  if (!hasLocks()) return Promise.resolve(true);
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(TAB_LOCK + name, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock ? new Promise(() => {}) : undefined;
      })
      .catch(reject);
  });
}

function hasLocks(): boolean {
  return "locks" in navigator;
}
