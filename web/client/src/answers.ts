/** What the server has answered: the data, or the error that it means. */
import { CloudKeepError } from "./errors";

/** The parts of an HTTP response that are looked at. */
export interface HttpAnswer {
  status: number;
  header: (name: string) => string | null;
  text: string;
}

interface Extensions {
  code?: string;
  retryAfter?: number | null;
  requestId?: string;
}

/** An error of GraphQL, as it comes in a response or over a WebSocket. */
export interface GraphQLFailure {
  message: string;
  path?: readonly (string | number)[];
  extensions?: Extensions;
}

interface Document extends Extensions {
  data?: unknown;
  errors?: readonly GraphQLFailure[];
  detail?: string;
}

/** The data of a GraphQL response. Throws a {@link CloudKeepError}. */
export function dataOf(answer: HttpAnswer): unknown {
  const { data, errors } = parsed(answer.text);
  if (errors?.length) throw failureOf(errors, answer.header("X-Request-ID"));
  if (!data) throw problemOf(answer);
  return data;
}

/** The error that the first of these errors means. */
export function failureOf([error]: readonly GraphQLFailure[], requestId?: string | null): CloudKeepError {
  const { code = "INTERNAL", ...details } = error?.extensions ?? {};
  return new CloudKeepError(code, error?.message ?? "", { requestId, ...details });
}

/** The error of a response that is no success and not GraphQL's: a problem document, or the page of a proxy. */
export function problemOf({ status, header, text }: HttpAnswer): CloudKeepError {
  const { code, detail, ...details } = parsed(text);
  const seconds = Number(header("Retry-After") ?? NaN);
  return new CloudKeepError(code ?? codeOf(status), detail ?? `The server answered with the status ${status}.`, {
    requestId: header("X-Request-ID"),
    retryAfter: Number.isNaN(seconds) ? null : seconds,
    ...details,
  });
}

/** The code of an answer that is not of CloudKeep: a proxy has given it. */
function codeOf(status: number): string {
  return /^4(?!08|29)/.test(`${status}`) ? "REFUSED" : "NETWORK";
}

function parsed(text: string): Document {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === "object" && document ? document : {};
  } catch {
    return {};
  }
}
