import { randomBytes } from 'node:crypto';

const SUMMARIES = {
  E0000001: 'Api validation failed',
  E0000006: 'You do not have permission to perform the requested action',
  E0000007: 'Not found: Resource not found',
  E0000009: 'Internal Server Error',
  E0000011: 'Invalid token provided',
  E0000015: 'You do not have permission to access the feature you are requesting',
  E0000022: 'The endpoint does not support the provided HTTP method',
  E0000047: 'API call exceeded rate limit due to too many requests.',
} as const;

/** The codes of Okta's management API that the sandbox answers with. */
export type ApiErrorCode = keyof typeof SUMMARIES;

/** The body of a refused call. Only `errorCode` is stable; `errorLink` repeats it, as at Okta. */
export function apiError(code: ApiErrorCode, causes: readonly string[] = []) {
  return {
    errorCode: code,
    errorSummary: SUMMARIES[code],
    errorLink: code,
    errorId: `oae${randomBytes(16).toString('base64url')}`,
    errorCauses: causes.map((errorSummary) => ({ errorSummary })),
  };
}
