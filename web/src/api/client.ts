/** The client of this page. */
import { createClient } from "@cloudkeep/client";

import { connection } from "./connection.svelte";

type SignedOutHandler = () => Promise<void>;

let handler: SignedOutHandler = () => Promise.reject(new Error("Nobody is signed in."));

/** Set what happens when the session has ended. Requests go on when it resolves, and fail when it rejects. */
export function onSignedOut(signedOut: SignedOutHandler): void {
  handler = signedOut;
}

export const client = createClient({
  auth: { cookie: true },
  onWait: (wait) => connection.waits(wait),
  onConnection: (state) => void connection.socketIs(state),
  onSignedOut: () => handler(),
});
