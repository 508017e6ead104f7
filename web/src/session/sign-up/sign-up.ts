/** The steps from an address to an account. */
import { hasCode, requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import { RegisterDocument, ResendOtpDocument, VerifyOtpDocument } from "../../api/generated/graphql";
import { router } from "../../navigation/router.svelte";
import { session } from "../session.svelte";
import { registration } from "../waiting-code.svelte";

export interface Applicant {
  userId: string;
  userName: string;
  email: string;
  password: string;
  /** Empty without one. */
  invitation: string;
}

/** Have a code mailed to the address. */
export async function register({ invitation, ...person }: Applicant): Promise<void> {
  const input = { ...person, invitation: invitation.trim() || null };
  const answer = requireSuccess((await client.request(RegisterDocument, { input })).register);
  if (answer.registration) registration.keep(answer.registration);
}

/** Have a new code mailed. */
export async function resend(registrationId: string): Promise<void> {
  const answer = requireSuccess((await client.request(ResendOtpDocument, { input: { registrationId } })).resendOtp);
  if (answer.registration) registration.keep(answer.registration);
}

/** Create the account, and show its files. `userId` replaces that of the registration, if it was taken meanwhile. */
export async function verify(registrationId: string, otp: string, userId: string | null): Promise<void> {
  const input = { registrationId, otp, userId, cookies: true };
  const answer = requireSuccess((await client.request(VerifyOtpDocument, { input })).verifyOtp);
  if (!answer.session) return;
  registration.forget();
  router.go({ page: "folder", id: null }, { replace: true });
  session.beginHere(answer.session.account);
}

/** Whether the code was right, but somebody took the user ID meanwhile. */
export function isUserIdTaken(error: unknown): boolean {
  return hasCode(error, "ALREADY_EXISTS") && error.field?.at(-1) === "userId";
}
