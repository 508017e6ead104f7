/** What waits for a mailed code: a registration or a reset. It survives a reload of the page; its ID is no secret. */

import { tabStorage } from "../ui/storage";

export interface Waiting {
  id: string;
  email: string;
  expiresAt: string;
}

export class WaitingCode {
  current = $state.raw<Waiting | null>(null);
  readonly #key: string;

  /** `key` is the name under which the browser keeps it for this tab. */
  constructor(key: string) {
    this.#key = key;
    this.current = parse(tabStorage.getItem(key));
  }

  keep(waiting: Waiting): void {
    this.current = waiting;
    tabStorage.setItem(this.#key, JSON.stringify(waiting));
  }

  forget(): void {
    this.current = null;
    tabStorage.removeItem(this.#key);
  }
}

/** What was kept, unless it has expired. */
function parse(text: string | null): Waiting | null {
  if (text === null) return null;
  try {
    const found = JSON.parse(text) as Partial<Waiting> | null;
    if (!found?.id || !found.email || !(Date.parse(found.expiresAt ?? "") > Date.now())) return null;
    return { id: found.id, email: found.email, expiresAt: String(found.expiresAt) };
  } catch {
    return null;
  }
}

export const registration = new WaitingCode("cloudkeep.registration");
export const passwordReset = new WaitingCode("cloudkeep.reset");
