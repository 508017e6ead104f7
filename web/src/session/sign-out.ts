import { SESSION } from "../text/session";
import { messageOf } from "../text/errors";
import { toasts } from "../ui/toasts.svelte";
import { leaving } from "../uploads/leaving.svelte";
import { session } from "./session.svelte";

/** Sign out of this browser, or say why that failed: only the server can end the session. */
export async function signOut(): Promise<void> {
  if (!(await leaving.mayLeave())) return;
  try {
    await session.signOut();
  } catch (error) {
    toasts.show({ kind: "error", text: SESSION.signOutFailed(messageOf(error)) });
  }
}
