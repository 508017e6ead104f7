/** An error in the input of a mutation, or another reason why it changed nothing. */
export interface UserError {
  code: string;
  message: string;
  field?: readonly string[] | null;
}

interface Details {
  /** Seconds until the same request may succeed; null if waiting does not help. */
  retryAfter?: number | null;
  field?: readonly string[] | null;
  requestId?: string | null;
  userErrors?: readonly UserError[];
  cause?: unknown;
}

/**
 * Every error of this client.
 *
 * `code` is a code of the server (`RequestErrorCode`, `UserErrorCode` and `UploadErrorCode` of its schema) or one of
 * this client: NETWORK, REFUSED (by a proxy, for good), FILE_CHANGED, and ABORTED for an upload that its owner aborted.
 */
export class CloudKeepError extends Error {
  readonly code: string;
  readonly retryAfter: number | null;
  readonly field: readonly string[] | null;
  readonly requestId: string | null;
  /** All errors of a mutation's payload; the first one is this error. */
  readonly userErrors: readonly UserError[];

  constructor(code: string, message: string, { retryAfter, field, requestId, userErrors, cause }: Details = {}) {
    super(message, { cause });
    this.name = "CloudKeepError";
    this.code = code;
    this.retryAfter = retryAfter ?? null;
    this.field = field ?? null;
    this.requestId = requestId ?? null;
    this.userErrors = userErrors ?? [];
  }
}

/** The payload of a mutation. Throws a {@link CloudKeepError} if it has errors. */
export function requireSuccess<Payload extends { userErrors: readonly UserError[] }>(payload: Payload): Payload {
  const [error] = payload.userErrors;
  if (error) throw new CloudKeepError(error.code, error.message, { ...error, userErrors: payload.userErrors });
  return payload;
}

/** Whether an error has one of these codes. */
export function hasCode<Code extends string>(
  error: unknown,
  ...codes: Code[]
): error is CloudKeepError & { readonly code: Code } {
  return error instanceof CloudKeepError && (codes as string[]).includes(error.code);
}
