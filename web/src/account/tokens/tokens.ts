/** The API tokens of the account. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import {
  ApiTokensDocument,
  CreateApiTokenDocument,
  RevokeApiTokenDocument,
  type ApiTokenFragment,
} from "../../api/generated/graphql";
import { reauthentication } from "../../session/reauthentication.svelte";
import { allOf } from "../pages";
import type { Scope } from "./token-facts";

export type ApiToken = ApiTokenFragment;
export function apiTokens(): Promise<ApiToken[]> {
  return allOf(async (after) => (await client.request(ApiTokensDocument, { after })).me?.apiTokens);
}

/** Create a token. Returns its text, which the server never shows again. */
export function createToken(name: string, scopes: Scope[], expiresAt: string | null): Promise<string> {
  return reauthentication.withRecentSignIn(async () => {
    const answer = await client.request(CreateApiTokenDocument, { input: { name, scopes, expiresAt } });
    const { secret } = requireSuccess(answer.createApiToken);
    if (!secret) throw new Error("The server has answered neither a token nor an error.");
    return secret;
  });
}

export async function revokeToken(apiTokenId: string): Promise<void> {
  requireSuccess((await client.request(RevokeApiTokenDocument, { input: { apiTokenId } })).revokeApiToken);
}
