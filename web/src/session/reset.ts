/** The steps from a forgotten password to a new one. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../api/client";
import { RequestPasswordResetDocument, ResetPasswordDocument } from "../api/generated/graphql";
import { router } from "../navigation/router.svelte";
import { session } from "./session.svelte";
import { passwordReset } from "./waiting-code.svelte";

/** Have a code mailed to the address, if it has an account. */
export async function requestReset(email: string): Promise<void> {
  const answer = await client.request(RequestPasswordResetDocument, { input: { email } });
  const { reset } = requireSuccess(answer.requestPasswordReset);
  if (reset) passwordReset.keep({ ...reset, email });
}

/** Set the new password, and go to the sign-in. */
export async function setPassword(resetId: string, otp: string, newPassword: string): Promise<void> {
  requireSuccess((await client.request(ResetPasswordDocument, { input: { resetId, otp, newPassword } })).resetPassword);
  passwordReset.forget();
  session.hasReset = true;
  router.go({ page: "sign-in" }, { replace: true });
}
