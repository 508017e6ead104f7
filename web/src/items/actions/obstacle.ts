/** Actions that need the server are dimmed while it cannot be reached, and say why. */
import { connection } from "../../api/connection.svelte";
import { toasts } from "../../ui/toasts.svelte";
import type { Action } from "./actions";

/** The action, or one that only tells why it cannot be done now. */
export function needingServer(action: Action): Action {
  const { obstacle } = connection;
  return obstacle ? { ...action, obstacle, run: () => toasts.show({ kind: "error", text: obstacle }) } : action;
}
