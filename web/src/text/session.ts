/** Texts of signing in and out, of new accounts and forgotten passwords. */

export const SESSION = {
  title: (page: string) => `${page} · CloudKeep`,
  signIn: "Sign in",
  signOut: "Sign out",
  signOutFailed: (message: string) => `You are still signed in. ${message}`,
  userId: "User ID or e-mail address",
  account: "Account",
  userIdMissing: "Enter your user ID or your e-mail address.",
  noAccount: "New here?",
  haveAccount: "You have an account?",
  signUp: "Create an account",
  forgotten: "Forgot your password?",

  ended: "You were signed out",
  endedExplanation: "Your session has ended. Sign in again to go on: this page and its uploads stay as they are.",
  confirm: "Confirm your password",
  confirmExplanation: "Your last sign-in was more than ten minutes ago. Enter your password to go on.",
  goOn: "Continue",
} as const;

export const SIGN_UP = {
  title: "Create an account",
  newUserId: "User ID",
  newUserIdHint: "You sign in with it, and it never changes: 3 to 32 letters, digits, dots, dashes or underscores.",
  newUserIdMissing: "Choose a user ID.",
  name: "Name",
  nameHint: "Others see this name. You can change it later.",
  nameMissing: "Enter a name.",
  email: "E-mail address",
  emailHint: "A code is sent there.",
  emailMissing: "Enter your e-mail address.",
  invitation: "Invitation",
  invitationHint: "It begins with cki_. The people who run this server give it to you.",
  invitationMissing: "This server needs an invitation. Enter it here.",
  haveInvitation: "I have an invitation",
  closed: "This server takes no new accounts",
  closedExplanation: "Ask the people who run it if you need one.",
  codeTitle: "Check your e-mail",
  codeSent: (email: string) => `A code was sent to ${email}. If you have an account already, the e-mail says so.`,
  finish: "Create the account",
  startAgain: "Start again",
  userIdTaken: "Somebody took your user ID meanwhile. Choose another one; the code stays valid.",
} as const;

export const RESET = {
  title: "Choose a new password",
  explanation: "Enter the address of your account. A code is sent there, with which you choose a new password.",
  send: "Send a code",
  codeSent: (email: string) => `If ${email} has an account, a code was sent there.`,
  effect: "You will be signed out everywhere, and your API tokens will be revoked.",
  finish: "Set the new password",
  done: "Your new password is set. Sign in with it.",
  startUndo: "Did somebody else change your address?",
  undoTitle: "Undo the change of your address",
  undoExplanation:
    "Your old address got an e-mail with a token. With it, that address becomes yours again within 7 days.",
  token: "Token from the e-mail",
  tokenMissing: "Enter the token from the e-mail.",
  undo: "Put the old address back",
  undone: (email: string) =>
    `${email} is the address of your account again, and every device is signed out. Now choose a new password.`,
} as const;

export const PASSWORD = {
  rule: "10 characters or more. Four unrelated words are easy to remember and hard to guess.",
  short: (missing: number) => (missing === 1 ? "1 character is missing." : `${missing} characters are missing.`),
  long: "This is longer than a password may be.",
  repetitive: "It repeats too few different characters.",
  likeOwner: "It is too much like your name, user ID or address.",
  good: "✓ Long enough. Use it nowhere else.",
} as const;
