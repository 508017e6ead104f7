/** Shows what has failed at the edge of the page: what could not be done, why, and under which ID the server's log has it. */
import { hasCode } from "@cloudkeep/client";

import { Cancelled } from "../forms/cancelled";
import { messageOf, requestIdOf } from "../text/errors";
import { toasts } from "../ui/toasts.svelte";

/** Do something, or tell that it failed. Returns whether it was done. `failed` says what could not be done. */
export async function reportErrors(failed: string, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    // Who cancels knows it.
    if (!(error instanceof Cancelled || hasCode(error, "ABORTED"))) {
      toasts.show({ kind: "error", text: `${failed} ${messageOf(error)}`, requestId: requestIdOf(error) });
    }
    return false;
  }
}
