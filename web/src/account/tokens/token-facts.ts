/** What a page says about API tokens. */
import type { ApiTokenFragment } from "../../api/generated/graphql";
import { formatMoment } from "../../format/time";
import { SCOPES, TOKENS } from "../../text/account";

export type Scope = keyof typeof SCOPES;

const DAY = 86_400_000;

/** How long a new token can be valid: the days, as texts for a list to choose from. */
export const EXPIRIES = [
  { value: "30", label: TOKENS.days(30) },
  { value: "90", label: TOKENS.days(90) },
  { value: "365", label: TOKENS.year },
  { value: "", label: TOKENS.forever },
] as const;

export type Expiry = (typeof EXPIRIES)[number]["value"];

/** When a token expires that is made now; null if it does not. */
export function expiryAt(expiry: Expiry, now: number): string | null {
  return expiry ? new Date(now + Number(expiry) * DAY).toISOString() : null;
}

export function hasExpired({ expiresAt }: ApiTokenFragment, now: number): boolean {
  return Boolean(expiresAt) && Date.parse(expiresAt ?? "") <= now;
}

/** What a list says about a token beside its name. */
export function factsOf(token: ApiTokenFragment): string {
  const { scopes, lastCharacters, lastUsedAt, expiresAt } = token;
  return [
    scopes.map((scope) => (scope in SCOPES ? SCOPES[scope as Scope] : scope)).join(", "),
    TOKENS.ends(lastCharacters),
    lastUsedAt ? TOKENS.lastUsed(formatMoment(lastUsedAt)) : TOKENS.neverUsed,
    expiresAt ? TOKENS.expires(formatMoment(expiresAt)) : TOKENS.forever.toLowerCase(),
  ].join(" · ");
}
