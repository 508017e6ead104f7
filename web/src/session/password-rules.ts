/** The rules for new passwords that a page can check. The server has more of them: lists of common and stolen ones. */
import { PASSWORD } from "../text/session";

/** The names that a password must not be like. */
export interface Owner {
  userId: string;
  userName: string;
  email: string;
}

const SHORTEST = 10;
const LONGEST = 1024;
const DIFFERENT_CHARACTERS = 4;
const SHORTEST_NAME = 3;
/** The letters that a password has beside the names of its owner, if it has one of these names. */
const OTHER_LETTERS = 4;

const LETTER = /\p{L}/u;
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

/** What is still wrong with a password; null if the page finds nothing. */
export function weakness(password: string, owner: Owner): string | null {
  const normal = password.normalize("NFKC");
  const size = new TextEncoder().encode(normal).length;
  if (size < SHORTEST) return PASSWORD.short(SHORTEST - size);
  if (size > LONGEST) return PASSWORD.long;
  if (new Set(normal).size < DIFFERENT_CHARACTERS) return PASSWORD.repetitive;
  return isLikeOwner(normal, owner) ? PASSWORD.likeOwner : null;
}

/** Whether little is left of a password without the names of its owner, forwards and backwards. */
function isLikeOwner(password: string, owner: Owner): boolean {
  let rest = lettersAndDigits(password);
  let hasName = false;
  for (const name of namesOf(owner)) {
    for (const form of [name, [...name].reverse().join("")]) {
      hasName ||= rest.includes(form);
      // A space, so that what was around the name does not become another one.
      rest = rest.replaceAll(form, " ");
    }
  }
  return hasName && [...rest].filter((character) => LETTER.test(character)).length < OTHER_LETTERS;
}

/** The longest first. */
function namesOf({ userId, userName, email }: Owner): string[] {
  const [local = "", domain = ""] = email.split("@");
  const site = domain.slice(0, Math.max(domain.lastIndexOf("."), 0));
  const words = [...userName.split(/\s+/), ...userId.split(/[.\s]+/)];
  const names = [userId, userName, email, local, domain, site, ...words].map(lettersAndDigits);
  return [...new Set(names)].filter((name) => name.length >= SHORTEST_NAME).sort((a, b) => b.length - a.length);
}

function lettersAndDigits(text: string): string {
  return [...text.normalize("NFKC").toLowerCase()].filter((character) => LETTER_OR_DIGIT.test(character)).join("");
}
