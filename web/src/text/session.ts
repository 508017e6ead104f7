/** Texts of signing in and out. */

export const SESSION = {
  signIn: "Sign in",
  signOut: "Sign out",
  userId: "User ID or e-mail address",
  password: "Password",
  noAccount: "New here?",
  signUp: "Create an account",
  forgotten: "Forgotten your password?",
  ended: "You were signed out",
  endedExplanation: "Your session has ended. Sign in again to go on: this page and its uploads stay as they are.",
} as const;
