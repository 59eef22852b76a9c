import type { HttpAnswer, TokenMethod } from '@authpipe/providers';
import { readTokenLifetime } from './token-lifetime.js';

/** A token answer in the shape of RFC 6749 section 5.1, however the provider wrote it. */
export interface TokenAnswer {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly tokenType: string;
  /** As the answer says; null where it does not. */
  readonly expiresInSeconds: number | null;
  /** The refresh token's, as the answer says; null where it does not. */
  readonly refreshExpiresInSeconds: number | null;
  readonly scopes: readonly string[] | null;
  readonly idToken: string | null;
  /** What was odd about the times it tells, each with its field: `expires_in is negative`. Nothing secret. */
  readonly oddities: readonly string[];
}

/** Where most providers that tell it at all put the refresh token's lifetime. */
const REFRESH_EXPIRES_IN = 'refresh_token_expires_in';

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

/**
 * Reads a token answer by the definition: lists of scopes, missing token types, lifetimes in any spelling, and whatever
 * `readTokenAnswer` knows. @returns null when it holds no access token, whatever its status: it is an error then
 */
export const readTokenAnswer = (method: TokenMethod, answer: HttpAnswer): TokenAnswer | null => {
  if (answer.status < 200 || answer.status > 299) return null;
  const body = method.readTokenAnswer ? method.readTokenAnswer(answer.body) : answer.body;
  if (typeof body !== 'object' || body === null) return null;
  const fields: Record<string, unknown> = { ...body };
  const accessToken = text(fields.access_token);
  if (accessToken === null || text(fields.error) !== null) return null;
  const tokenType = text(fields.token_type) ?? 'Bearer';
  const refreshField =
    (method.kind === 'oauth2' ? method.refreshToken.expiresInField : undefined) ?? REFRESH_EXPIRES_IN;
  const life = readTokenLifetime(fields.expires_in, method.expiresInUnit);
  const refreshLife = readTokenLifetime(fields[refreshField], method.expiresInUnit);
  return {
    accessToken,
    refreshToken: text(fields.refresh_token),
    tokenType: SPELLING[tokenType.toLowerCase()] ?? tokenType,
    expiresInSeconds: life.expiresInSeconds,
    refreshExpiresInSeconds: refreshLife.expiresInSeconds,
    scopes: scopesOf(fields.scope, method.scopeSeparator),
    idToken: text(fields.id_token),
    oddities: [
      ...(life.oddity === null ? [] : [`expires_in ${life.oddity}`]),
      ...(refreshLife.oddity === null ? [] : [`${refreshField} ${refreshLife.oddity}`]),
    ],
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
