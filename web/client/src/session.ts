/** How requests are authorized, and what happens when the server refuses that. */
import type { CloudKeepError } from "./errors";

/**
 * `cookie`: the browser adds the session's cookie by itself, on the server's own origin. `token` returns an access
 * token; `refused` is one that the server has just refused.
 */
export type Auth = { cookie: true } | { token: (refused?: string) => string | Promise<string> };

export interface Session {
  /** The headers, and the payload of `connection_init`, that authorize a request. */
  authorization: () => Promise<Record<string, string>>;
  /** How often a person has signed in again. */
  readonly signIns: number;
  /**
   * Return when a request that was refused so many times in a row can be sent again, or throw `error`. Those that
   * began with the same number of `signIns` share the next one.
   */
  renew: (error: CloudKeepError, refusals: number, signIns: number) => Promise<void>;
}

/** A session. `onSignedOut` signs the person in again, or rejects. */
export function sessionOf(auth: Auth, onSignedOut?: () => Promise<void>): Session {
  let token: string | undefined;
  let refused: string | undefined;
  let signingIn: Promise<void> | undefined;
  let signIns = 0;

  return {
    get signIns() {
      return signIns;
    },
    async authorization(): Promise<Record<string, string>> {
      if ("cookie" in auth) return {};
      token = await auth.token(refused);
      return { Authorization: `Bearer ${token}` };
    },
    async renew(error, refusals, since) {
      // The first time another token may help, and then only a person.
      const step = "token" in auth ? refusals - 1 : refusals;
      refused = token;
      if (step === 0) return;
      if (step > 1 || !onSignedOut) throw error;
      if (since !== signIns) return;
      signingIn ??= onSignedOut().finally(() => (signingIn = undefined));
      await signingIn.catch(() => Promise.reject(error));
      if (since === signIns) signIns++;
    },
  };
}
