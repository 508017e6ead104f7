/** The page's database in the browser. */

export const STORE = "uploads";
const NAME = "cloudkeep";
const VERSION = 1;

export type Database = Pick<IDBFactory, "open">;

export function opened(factory: Database): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = factory.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { keyPath: ["accountId", "key"] });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(reasonOf(request.error));
  });
}

/** Resolves when everything of a transaction is stored. */
export function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(reasonOf(transaction.error));
  });
}

function reasonOf(error: DOMException | null): Error {
  return error ?? new Error("The browser's database does not answer.");
}
