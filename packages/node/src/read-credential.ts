import type { Credential } from '@authpipe/types';
import { AuthpipeError } from './errors.js';
import { redactWhenPrinted } from './redacted-credential.js';

/** A credential as the server answered it, with its times read once. */
export interface CredentialAnswer {
  /** Frozen: every caller gets the same object. */
  readonly credential: Credential;
  /** Milliseconds since 1970; `Infinity` where it has no known end. */
  readonly expiresAtMillis: number;
  /** Milliseconds since 1970; `Infinity` where it never changes by itself. */
  readonly refreshAfterMillis: number;
}

/**
 * Checks what the cache and `fetch` rely on, by hand and no more: a newer server may add fields and values.
 * @throws AuthpipeError `server_unreachable` for a shape that is not a credential; its message quotes nothing
 */
export const readCredential = (json: unknown): CredentialAnswer => {
  if (!isCredential(json)) {
    throw new AuthpipeError(
      'server_unreachable',
      'The answer to GET /v1/credentials is not a credential: check that baseUrl is the address of an Authpipe server.',
      { retryable: false },
    );
  }
  return {
    credential: freeze(json),
    expiresAtMillis: readTime(json.expiresAt) ?? Number.POSITIVE_INFINITY,
    refreshAfterMillis: readTime(json.refreshAfter) ?? Number.POSITIVE_INFINITY,
  };
};

const isCredential = (json: unknown): json is Credential => {
  if (typeof json !== 'object' || json === null) return false;
  const value = json as { readonly [Field in keyof Credential]?: unknown };
  return (
    typeof value.credential === 'string' &&
    typeof value.connectionId === 'string' &&
    value.connectionId !== '' &&
    typeof value.headers === 'object' &&
    value.headers !== null &&
    Array.isArray(value.scopes) &&
    Number.isInteger(value.version) &&
    isTime(value.expiresAt) &&
    isTime(value.refreshAfter)
  );
};

/** `null` is a time too: never. A missing one is not: a credential with a forgotten end must not live for ever. */
const isTime = (value: unknown): boolean =>
  value === null || (typeof value === 'string' && !Number.isNaN(Date.parse(value)));

const readTime = (value: string | null): number | undefined =>
  value === null ? undefined : Date.parse(value);

/** Freezes the answer and what it holds, so that no caller can change the header that the next one sends. */
const freeze = (credential: Credential): Credential => {
  for (const part of Object.values(credential)) {
    if (typeof part === 'object' && part !== null) Object.freeze(part);
  }
  return Object.freeze(redactWhenPrinted(credential));
};
