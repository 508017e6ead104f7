/** Asks for the password again where the server wants a recent sign-in, and then goes on with what was wanted. */
import { hasCode, requireSuccess } from "@cloudkeep/client";

import { client } from "../api/client";
import { ReauthenticateDocument } from "../api/generated/graphql";
import { Cancelled } from "../forms/cancelled";

class Reauthentication {
  #asked = $state.raw<PromiseWithResolvers<void> | null>(null);

  /** Whether somebody is to enter the password. */
  get isAsking(): boolean {
    return this.#asked !== null;
  }

  /** The result of an action, which may need the password before. Throws {@link Cancelled} without it. */
  async withRecentSignIn<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!hasCode(error, "REAUTHENTICATION_REQUIRED")) throw error;
    }
    this.#asked ??= Promise.withResolvers<void>();
    await this.#asked.promise;
    return action();
  }

  async confirm(password: string): Promise<void> {
    requireSuccess((await client.request(ReauthenticateDocument, { input: { password } })).reauthenticate);
    this.#asked?.resolve();
    this.#asked = null;
  }

  cancel(): void {
    this.#asked?.reject(new Cancelled());
    this.#asked = null;
  }
}

export const reauthentication = new Reauthentication();
