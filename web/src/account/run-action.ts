/** Changes of the account that a button makes at once. */
import { reportErrors } from "../api/report-errors";
import { reauthentication } from "../session/reauthentication.svelte";
import { toasts } from "../ui/toasts.svelte";

/** What is said at the edge of the page when it is done, and when it is not. */
interface Texts {
  done: string;
  failed: string;
}

/** Make a change, after the password if it is needed. */
export async function runAction(action: () => Promise<void>, { done, failed }: Texts): Promise<void> {
  const isDone = await reportErrors(failed, () => reauthentication.withRecentSignIn(action));
  if (isDone) toasts.show({ kind: "done", text: done });
}
