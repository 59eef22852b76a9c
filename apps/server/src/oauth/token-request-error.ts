import type { HttpAnswer, ProviderDefinition, TokenErrorVerdict } from '@authpipe/providers';
import type { Clock } from '../clock.js';
import { FetchError } from './guarded-fetch.js';
import { parseHttpDate, secondsUntil } from './provider-time.js';

/**
 * A request to the provider did not give what was asked for. `verdict` says what that means for the connection;
 * the message is the verdict's words: no secret, no text of the provider.
 */
export class TokenRequestError extends Error {
  override readonly name = 'TokenRequestError';
  constructor(
    readonly verdict: TokenErrorVerdict,
    /** HTTP status of the answer; null when none was taken. */
    readonly status: number | null = null,
    /** When the provider said to come back, from now. */
    readonly retryAfterSeconds: number | null = null,
    /** Whether the answer named an OAuth error that says why nothing was done. @see RFC 6749 section 5.2 */
    readonly saysWhy: boolean = false,
    /** Which check an answer did not pass, for those who run the server. */
    readonly failedCheck: string | null = null,
  ) {
    super(verdict.detail);
  }
}

const wholeSeconds = (seconds: number): number => Math.max(0, Math.ceil(seconds));

/**
 * When to come back, in whole seconds from now: `Retry-After` (RFC 9110 section 10.2.3), else the provider's own reset
 * header on a 429. Dates and epoch seconds are in the provider's clock and are measured by it. Null where the answer
 * does not say, or not readably.
 */
export const retryAfterSeconds = (
  { status, headers }: HttpAnswer,
  { rateLimit }: Partial<ProviderDefinition['api']>,
  clock: Clock,
): number | null => {
  const wait = (instant: Date): number => wholeSeconds(secondsUntil(instant, headers, clock));
  const retryAfter = headers['retry-after'];
  if (retryAfter !== undefined) {
    if (/^\d{1,9}(?:\.\d+)?$/.test(retryAfter)) return wholeSeconds(Number(retryAfter));
    const instant = parseHttpDate(retryAfter);
    return instant && wait(instant);
  }
  if (status !== 429 || rateLimit === undefined) return null;
  const reset = headers[rateLimit.reset] ?? '';
  if (!/^\d{1,12}$/.test(reset)) return null;
  return rateLimit.resetUnit === 'delta_seconds' ? Number(reset) : wait(new Date(Number(reset) * 1000));
};

/** The provider is away, or answers nonsense: nothing is known of the grant. */
export const providerTrouble = (detail: string, status: number | null = null): TokenRequestError =>
  new TokenRequestError({ outcome: 'transient', reason: 'provider_down', detail }, status);

/** Somebody has to change a setting at the provider or on the integration. */
export const wrongSetup = (detail: string): TokenRequestError =>
  new TokenRequestError({ outcome: 'configuration', reason: 'configuration', detail });

/**
 * What the sign-in brought back is not to be trusted. The person reads that, and need not know what an ID token is.
 * @param failedCheck which check did not pass, for the audit
 */
export const rejectedSignIn = (
  failedCheck: string | null,
  detail = 'What the provider sent back did not pass the checks. Nothing was connected.',
): TokenRequestError =>
  new TokenRequestError({ outcome: 'code_rejected', reason: null, detail }, null, null, false, failedCheck);

/** The one translation of whatever a request threw: ours as they are, also from inside the library's wrapping. */
export const toTokenRequestError = (error: unknown, fallback: () => TokenRequestError): TokenRequestError => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof TokenRequestError) return cause;
    if (cause instanceof FetchError) {
      return cause.failure === 'forbidden' ? wrongSetup(cause.message) : providerTrouble(cause.message);
    }
  }
  return fallback();
};
