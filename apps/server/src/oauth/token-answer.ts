import type { HttpAnswer, TokenMethod } from '@authpipe/providers';

/** A token answer in the shape of RFC 6749 section 5.1, however the provider wrote it. */
export interface TokenAnswer {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly tokenType: string;
  readonly expiresInSeconds: number | null;
  readonly scopes: readonly string[] | null;
  readonly idToken: string | null;
}

/** The registered spelling of token types that providers write in many ways. @see RFC 6749 section 7.1 */
const SPELLING: Readonly<Record<string, string>> = { bearer: 'Bearer', dpop: 'DPoP' };

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

const scopesOf = (scope: unknown, separator: TokenMethod['scopeSeparator']): string[] | null => {
  const between = separator === ',' ? /[\s,]+/ : /\s+/;
  const parts = Array.isArray(scope) ? scope : typeof scope === 'string' ? scope.split(between) : [];
  const names = parts.filter((part) => typeof part === 'string').map((part) => part.trim());
  const scopes = [...new Set(names.filter((name) => name !== ''))];
  return scopes.length > 0 ? scopes : null;
};

/** Numbers and numeric strings that say when a token ends; a zero or negative one says nothing of use. */
const lifetimeOf = (value: unknown): number | null => {
  const seconds = typeof value === 'number' ? value : Number.parseFloat(text(value) ?? '');
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
};

/**
 * Reads a token answer by the definition: lists of scopes, missing token types, expiry as text, `null` or negative, and
 * whatever `readTokenAnswer` knows. @returns null when it holds no access token, whatever its status: it is an error then
 */
export const readTokenAnswer = (method: TokenMethod, answer: HttpAnswer): TokenAnswer | null => {
  if (answer.status < 200 || answer.status > 299) return null;
  const body = method.readTokenAnswer ? method.readTokenAnswer(answer.body) : answer.body;
  if (typeof body !== 'object' || body === null) return null;
  const fields: Record<string, unknown> = { ...body };
  const accessToken = text(fields.access_token);
  if (accessToken === null || text(fields.error) !== null) return null;
  const tokenType = text(fields.token_type) ?? 'Bearer';
  return {
    accessToken,
    refreshToken: text(fields.refresh_token),
    tokenType: SPELLING[tokenType.toLowerCase()] ?? tokenType,
    expiresInSeconds: lifetimeOf(fields.expires_in) ?? (method.accessTokenLifetimeSeconds || null),
    scopes: scopesOf(fields.scope, method.scopeSeparator),
    idToken: text(fields.id_token),
  };
};

/** The clean answer that the library is handed: what it insists on, and what it checks. */
export const toResponse = ({ accessToken, refreshToken, idToken }: TokenAnswer, withIdToken: boolean) =>
  Response.json({
    access_token: accessToken,
    token_type: 'bearer',
    ...(refreshToken === null ? {} : { refresh_token: refreshToken }),
    ...(withIdToken && idToken !== null ? { id_token: idToken } : {}),
  });
