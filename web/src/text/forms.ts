/** Texts of forms. */

export const FORMS = {
  again: (wait: string) => `You can try again in ${wait}.`,
  show: "Show",
  hide: "Hide",
  showPassword: "Show the password",
  code: "Code from the e-mail",
  codeHint: "6 digits. It may take a minute to arrive. Look in your spam folder, too.",
  codeMissing: "Enter the code from the e-mail.",
  codeExpired: "This code has expired.",
  codeValid: (wait: string) => `It can be used for ${wait}.`,
  resend: "Send a new code",
  resendIn: (wait: string) => `Send a new code (in ${wait})`,
  resent: "A new code is on its way. The one before no longer works.",
  password: "Password",
  passwordMissing: "Enter your password.",
  newPassword: "New password",
  newPasswordMissing: "Choose a password.",
} as const;
