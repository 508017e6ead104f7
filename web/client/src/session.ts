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
  /**
   * Return when a request that was refused so many times in a row can be sent again, or throw `error`. Requests that
   * are refused together share one sign-in.
   */
  renew: (error: CloudKeepError, refusals: number) => Promise<void>;
}

/** A session. `onSignedOut` signs the person in again, or rejects. */
export function sessionOf(auth: Auth, onSignedOut?: () => Promise<void>): Session {
  let token: string | undefined;
  let refused: string | undefined;
  let signingIn: Promise<void> | undefined;

  return {
    async authorization(): Promise<Record<string, string>> {
      if ("cookie" in auth) return {};
      token = await auth.token(refused);
      return { Authorization: `Bearer ${token}` };
    },
    async renew(error, refusals) {
      // The first time another token may help, and then only a person.
      const signIns = "token" in auth ? refusals - 1 : refusals;
      refused = token;
      if (signIns === 0) return;
      if (signIns > 1 || !onSignedOut) throw error;
      signingIn ??= onSignedOut().finally(() => (signingIn = undefined));
      await signingIn.catch(() => Promise.reject(error));
    },
  };
}
