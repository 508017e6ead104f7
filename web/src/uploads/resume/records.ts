/** The uploads that are not over, in IndexedDB: a page that is loaded again, or a new tab after a crash, finds them. */
import { finished, opened, STORE, type Database } from "./database";
import type { Plan } from "../queue/plan";

/** Nothing in it is secret. */
export interface UploadRecord {
  key: string;
  plan: Plan;
  /** Null as long as the server does not know it. */
  uploadId: string | null;
  /** By this the file is found again. Some browsers have none. */
  handle: FileSystemFileHandle | null;
}

interface StoredRecord extends UploadRecord {
  accountId: string;
  /** The tab that works on it. */
  tab: string;
}

/** The records of an account. Where the browser stores nothing, they are empty. */
export interface Records {
  put: (records: readonly UploadRecord[]) => Promise<void>;
  remove: (keys: readonly string[]) => Promise<void>;
  /** Remove all of this tab. */
  forget: () => Promise<void>;
  /** Take over and return the records of this tab before its reload, and those of tabs that are gone. */
  claim: () => Promise<UploadRecord[]>;
}

/** `aliveTabs` returns the tabs that are open; null if nobody can know, and then other tabs' records are left alone. */
export function recordsIn(
  factory: Database,
  accountId: string,
  tab: string,
  aliveTabs: () => Promise<ReadonlySet<string> | null>,
): Records {
  /** Call `work` with the records. Browsers may refuse to store anything, such as in private windows. */
  async function stored(work: (store: IDBObjectStore) => void): Promise<void> {
    try {
      const database = await opened(factory);
      try {
        const transaction = database.transaction(STORE, "readwrite");
        work(transaction.objectStore(STORE));
        await finished(transaction);
      } finally {
        database.close();
      }
    } catch (error) {
      console.warn("Uploads cannot be remembered.", error);
    }
  }

  const idOf = (key: string) => [accountId, key];

  return {
    put: (records) =>
      stored((store) => {
        for (const record of records) store.put({ ...record, accountId, tab } satisfies StoredRecord);
      }),
    remove: (keys) =>
      stored((store) => {
        for (const key of keys) store.delete(idOf(key));
      }),
    forget: () => stored((store) => each(store, accountId, (record, cursor) => record.tab === tab && cursor.delete())),
    async claim() {
      const alive = await aliveTabs();
      const claimed: UploadRecord[] = [];
      await stored((store) =>
        each(store, accountId, (record, cursor) => {
          if (record.tab !== tab && (!alive || alive.has(record.tab))) return;
          cursor.update({ ...record, tab });
          claimed.push(record);
        }),
      );
      return claimed;
    },
  };
}

/** Visit all records of an account, in one transaction: two tabs never claim the same one. */
function each(
  store: IDBObjectStore,
  accountId: string,
  visit: (record: StoredRecord, cursor: IDBCursorWithValue) => unknown,
): void {
  const request = store.openCursor(IDBKeyRange.bound([accountId], [accountId, []]));
  request.onsuccess = () => {
    const cursor = request.result;
    if (!cursor) return;
    visit(cursor.value as StoredRecord, cursor);
    cursor.continue();
  };
}
