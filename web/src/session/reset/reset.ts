/** The steps from a forgotten password to a new one. */
import { requireSuccess } from "@cloudkeep/client";

import { client } from "../../api/client";
import {
  RequestPasswordResetDocument,
  ResetPasswordDocument,
  UndoEmailChangeDocument,
} from "../../api/generated/graphql";
import { router } from "../../navigation/router.svelte";
import { session } from "../session.svelte";
import { passwordReset } from "../waiting-code.svelte";

/** Have a code mailed to the address, if it has an account. */
export async function requestReset(email: string): Promise<void> {
  const answer = await client.request(RequestPasswordResetDocument, { input: { email } });
  const { reset } = requireSuccess(answer.requestPasswordReset);
  if (reset) passwordReset.keep({ ...reset, email });
}

/** Put the old address back with the token that was mailed there. Returns it; its account needs a new password then. */
export async function undoAddressChange(token: string): Promise<string> {
  const { email } = requireSuccess(
    (await client.request(UndoEmailChangeDocument, { input: { token } })).undoEmailChange,
  );
  if (!email) throw new Error("The server has answered neither an address nor an error.");
  return email;
}

/** Set the new password, and go to the sign-in. */
export async function setPassword(resetId: string, otp: string, newPassword: string): Promise<void> {
  requireSuccess((await client.request(ResetPasswordDocument, { input: { resetId, otp, newPassword } })).resetPassword);
  passwordReset.forget();
  session.hasReset = true;
  router.go({ page: "sign-in" }, { replace: true });
}
