/** The open sessions of the account. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import {
  RevokeOtherSessionsDocument,
  RevokeSessionDocument,
  SessionsDocument,
  type SessionFragment,
} from "../../api/generated/graphql";
import { allOf } from "../pages";

export type OpenSession = SessionFragment;

/** That of this browser first, then the one that was used last. */
export async function openSessions(): Promise<OpenSession[]> {
  const sessions = await allOf(async (after) => (await client.request(SessionsDocument, { after })).me?.sessions);
  return sessions.sort(
    (a, b) => Number(b.current) - Number(a.current) || Date.parse(b.lastUsedAt) - Date.parse(a.lastUsedAt),
  );
}

export async function closeSession(sessionId: string): Promise<void> {
  requireSuccess((await client.request(RevokeSessionDocument, { input: { sessionId } })).revokeSession);
}

export async function closeOtherSessions(): Promise<void> {
  requireSuccess((await client.request(RevokeOtherSessionsDocument, {})).revokeOtherSessions);
}
