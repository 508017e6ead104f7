/** Texts of the account's pages. */

export const ACCOUNT = {
  title: "Account",
  sections: "Parts of the account",
  profile: "Profile",
  security: "Security",
  sessions: "Sessions",
  tokens: "API tokens",
  tokensShort: "Tokens",
  saved: "Saved",
  save: "Save",
} as const;

export const PROFILE = {
  userId: "User ID",
  name: "Name",
  nameHint: "Others see this name.",
  nameMissing: "Enter a name.",
  language: "Language of e-mails",
  serverLanguage: "The server's language",
  isAdmin: "You are an administrator of this server.",
  address: "E-mail address",
  addressEffect:
    "Your old address gets an e-mail by which the change can be undone for 7 days. Undoing it puts the old address back, " +
    "signs out every device and makes the password invalid. So change the address only while its mailbox is yours.",
  newAddress: "New e-mail address",
  newAddressMissing: "Enter the new address.",
  sendCode: "Send a code",
  codeSent: (email: string) => `A code was sent to ${email}.`,
  changeAddress: "Change the address",
  addressChanged: (email: string) => `Your address is ${email} now`,
  leave: "Sign out of this browser",
} as const;

export const STORAGE = {
  title: "Storage",
  used: (used: string) => `${used} used`,
  usedOf: (used: string, quota: string) => `${used} of ${quota} used`,
  originals: "Files",
  derived: "Smaller copies",
  reserved: "Reserved for open uploads",
  free: "Free",
  trash: "Files in the trash count, too.",
  toTrash: "Go to the trash",
} as const;

export const SECURITY = {
  title: "Password",
  effect: "A new password signs out every other device. API tokens stay valid.",
  plainHttp: "This address has no HTTPS: others in the same network can read your password and your files on the way.",
  current: "Current password",
  change: "Change the password",
  changed: "Your password is changed. All other devices are signed out.",
} as const;

export const SESSIONS = {
  explanation:
    "Where you are signed in. Sign out what you do not know or no longer use, and then change your password.",
  failed: "The sessions could not be loaded.",
  current: "This browser",
  lastUsed: (moment: string) => `Last used ${moment}`,
  signedIn: (moment: string) => `signed in ${moment}`,
  close: "Sign out",
  closeOf: (device: string) => `Sign out ${device}`,
  notClosed: (device: string) => `${device} could not be signed out.`,
  othersNotClosed: "The other devices could not be signed out.",
  closed: (device: string) => `${device} is signed out`,
  closeOthers: "Sign out everywhere else",
  othersClosed: "All other devices are signed out",
  alone: "You are signed in nowhere else.",
  unknownDevice: "Unknown device",
  on: (program: string, system: string) => `${program} on ${system}`,
} as const;

export const TOKENS = {
  explanation: "With a token, a program acts for you without your password: a script, a backup, a build.",
  failed: "The tokens could not be loaded.",
  empty: "No tokens yet. Make one for each program, with no more rights than it needs.",
  create: "Create a token",
  name: "Name",
  nameHint: "For example, the program that uses it.",
  nameMissing: "Enter a name.",
  scopes: "What it may do",
  scopesMissing: "Choose at least one.",
  expiry: "Valid for",
  days: (count: number) => `${count} days`,
  year: "1 year",
  forever: "Until you revoke it",
  ends: (characters: string) => `ends in ${characters}`,
  expires: (moment: string) => `valid until ${moment}`,
  expired: "Expired",
  neverUsed: "never used",
  lastUsed: (moment: string) => `last used ${moment}`,
  revoke: "Revoke",
  revokeOf: (name: string) => `Revoke “${name}”`,
  revokeEffect: "What uses it stops working within seconds. This cannot be undone.",
  revoked: (name: string) => `“${name}” is revoked`,
  secretTitle: (name: string) => `The token “${name}”`,
  secret: "Token",
  secretOnce: "Copy it now: it is shown only this once.",
  copy: "Copy",
  copied: "Copied",
  done: "Done",
} as const;

/** What each scope allows, in plain words. */
export const SCOPES = {
  READ: "Read and download all files",
  UPLOAD: "Upload files",
  WRITE: "Rename, move, copy and star",
  DELETE: "Delete files, and abort uploads",
  ACCOUNT: "Read your address, sessions and tokens, and change your profile",
} as const;
