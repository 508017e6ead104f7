/** Who is signed in. The session itself is a cookie that scripts cannot read. */
import { hasCode, requireSuccess } from "@cloudkeep/client";

import { client, onSignedOut } from "../api/client";
import {
  LoginDocument,
  LogoutDocument,
  MeDocument,
  StorageDocument,
  type AccountFragment,
  type MeQuery,
} from "../api/generated/graphql";
import { drive } from "../drive/drive.svelte";

export type Account = AccountFragment;

/** What a tab says to the others when somebody has signed out. */
const NOBODY = "";

class Session {
  account = $state.raw<Account | null>(null);
  server = $state.raw<MeQuery["server"] | null>(null);
  /** Why the server could not be asked. */
  error = $state.raw<unknown>(null);
  /** Whether the password was just reset, so that the next sign-in needs the new one. */
  hasReset = $state(false);
  /** Set while the session has ended under the open page: called after the owner has signed in again. */
  #resume = $state.raw<PromiseWithResolvers<void> | null>(null);

  readonly #tabs = new BroadcastChannel("cloudkeep.session");

  constructor() {
    this.#tabs.onmessage = ({ data }: MessageEvent<string>) => this.#heard(data);
    onSignedOut(() => this.#askAgain());
  }

  /** Whether the server was asked who is signed in. */
  get isLoaded(): boolean {
    return this.server !== null;
  }

  /** Whether the session has ended under the open page. */
  get hasEnded(): boolean {
    return this.#resume !== null;
  }

  /** Ask the server who is signed in. */
  async load(): Promise<void> {
    try {
      const { me, server } = await this.#me();
      this.server = server;
      this.error = null;
      if (me) this.begin(me);
    } catch (error) {
      this.error = error;
    }
  }

  /** The first request with the cookie of a session that has ended is refused, and deletes the cookie. */
  async #me(): Promise<MeQuery> {
    try {
      return await client.request(MeDocument, {});
    } catch (error) {
      if (!hasCode(error, "UNAUTHENTICATED")) throw error;
      return client.request(MeDocument, {});
    }
  }

  /** Ask how much of the storage is taken. */
  async refreshStorage(): Promise<void> {
    try {
      const { me } = await client.request(StorageDocument, {});
      if (me && this.account) this.account = { ...this.account, storage: me.storage };
    } catch (error) {
      console.warn("The storage of the account could not be asked for.", error);
    }
  }

  async signIn(userId: string, password: string): Promise<void> {
    const { login } = await client.request(LoginDocument, { input: { userId, password, cookies: true } });
    const { session } = requireSuccess(login);
    if (session) this.beginHere(session.account);
  }

  /** Show the drive of an account that has just signed in, also in other tabs. */
  beginHere(account: Account): void {
    this.begin(account);
    this.#tabs.postMessage(account.id);
  }

  /** Show the drive of an account that is signed in. */
  begin(account: Account): void {
    const isSame = this.account?.id === account.id;
    if (this.account && !isSame) {
      this.#forget();
      return;
    }
    this.account = account;
    this.hasReset = false;
    if (!isSame) {
      drive.stop();
      drive.start(account.id);
    }
    this.#resume?.resolve();
    this.#resume = null;
  }

  async signOut(): Promise<void> {
    requireSuccess((await client.request(LogoutDocument, {})).logout);
    this.leave();
  }

  /** Forget the account, also in other tabs, and show the page for signing in. */
  leave(): void {
    this.#tabs.postMessage(NOBODY);
    this.#forget("/sign-in");
  }

  /**
   * Load the document again: nothing of the account stays in memory, and none of its uploads goes to another one. All is
   * ended before, so that nothing asks whether to leave, and a page that stays shows nothing.
   */
  #forget(path?: string): void {
    drive.stop();
    this.account = null;
    if (path) location.assign(path);
    else location.reload();
  }

  /** Another tab has signed in, and so replaced the cookie of this one, or has signed out. */
  #heard(accountId: string): void {
    if (accountId === NOBODY) {
      if (this.account) this.#forget("/sign-in");
    } else if (this.account && this.account.id !== accountId) this.#forget();
    else if (!this.account || this.hasEnded) void this.load();
  }

  #askAgain(): Promise<void> {
    if (!this.account) return Promise.reject(new Error("Nobody is signed in."));
    this.#resume ??= Promise.withResolvers<void>();
    return this.#resume.promise;
  }
}

export const session = new Session();
