/** Changes of the profile, the address and the password. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import {
  ChangePasswordDocument,
  ConfirmEmailChangeDocument,
  RequestEmailChangeDocument,
  UpdateProfileDocument,
} from "../../api/generated/graphql";
import { reauthentication } from "../../session/reauthentication.svelte";
import { session } from "../../session/session.svelte";

/** Languages in which every server writes mails. */
const LANGUAGES = ["en", "de"];

/** The languages to choose from, with that of the account, whatever it is. */
export function languagesFor(locale: string | null | undefined): string[] {
  return locale && !LANGUAGES.includes(locale) ? [...LANGUAGES, locale] : LANGUAGES;
}

/** The name of a language in itself, such as "Deutsch"; a tag that is no language stays as it is. */
export function nameOfLanguage(tag: string): string {
  try {
    return new Intl.DisplayNames(tag, { type: "language" }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export async function updateProfile(userName: string, locale: string | null): Promise<void> {
  const answer = await client.request(UpdateProfileDocument, { input: { userName, locale } });
  const { account } = requireSuccess(answer.updateProfile);
  if (account) session.begin(account);
}

export async function changePassword(currentPassword: string, newPassword: string): Promise<void> {
  const input = { currentPassword, newPassword };
  requireSuccess((await client.request(ChangePasswordDocument, { input })).changePassword);
}

/** A change of address that waits for the code. */
export interface AddressChange {
  id: string;
  expiresAt: string;
}

export function requestAddress(newEmail: string): Promise<AddressChange> {
  return reauthentication.withRecentSignIn(async () => {
    const answer = await client.request(RequestEmailChangeDocument, { input: { newEmail } });
    const { emailChange } = requireSuccess(answer.requestEmailChange);
    if (!emailChange) throw new Error("The server has answered neither a change nor an error.");
    return emailChange;
  });
}

export async function confirmAddress(emailChangeId: string, otp: string): Promise<void> {
  const answer = await client.request(ConfirmEmailChangeDocument, { input: { emailChangeId, otp } });
  const { account } = requireSuccess(answer.confirmEmailChange);
  if (account) session.begin(account);
}
