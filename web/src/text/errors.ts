/** What the page says about errors, by their codes. Messages of the server are the fallback. */
import { CloudKeepError } from "@cloudkeep/client";

const MESSAGES: Readonly<Record<string, string>> = {
  NETWORK: "The server does not answer.",
  REFUSED: "Something between this page and the server refused the request, such as a proxy or a firewall.",
  INTERNAL: "Something went wrong on the server. It was logged.",
  SEARCH_TIMEOUT: "The search took too long. Search for longer or more words.",
  SERVER_BUSY: "The server is busy. Try again in a moment.",
  TOO_MANY_ATTEMPTS: "There were too many wrong attempts.",
  TOO_MANY_MAILS: "This address got too many e-mails within an hour.",
};

/** A sentence that says what went wrong. */
export function messageOf(error: unknown): string {
  if (error instanceof CloudKeepError) return MESSAGES[error.code] ?? error.message;
  return "Something went wrong on this page.";
}

/** The ID under which the server's log has the request, if it has one. */
export function requestIdOf(error: unknown): string | null {
  return error instanceof CloudKeepError ? error.requestId : null;
}
