/** Changes of the account that a button makes at once. */
import { Cancelled } from "../forms/cancelled";
import { reauthentication } from "../session/reauthentication.svelte";
import { COMMON } from "../text/common";
import { messageOf, requestIdOf } from "../text/errors";
import { toasts } from "../ui/toasts.svelte";

/** Make a change, after the password if it is needed, and say at the edge of the page what has become of it. */
export async function runAction(action: () => Promise<void>, done: string): Promise<void> {
  try {
    await reauthentication.withRecentSignIn(action);
    toasts.show({ kind: "done", text: done });
  } catch (error) {
    if (error instanceof Cancelled) return;
    const requestId = requestIdOf(error);
    const details = requestId ? [COMMON.requestId(requestId)] : [];
    toasts.show({ kind: "error", text: [messageOf(error), ...details].join(" ") });
  }
}
