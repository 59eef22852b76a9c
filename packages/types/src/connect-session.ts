import { z } from 'zod';
import { connectedAccount } from './connection.js';
import { appId, DEFAULT_LABEL, metadata, namesOneOwner, OWNER_RULE } from './identity.js';
import { fieldError } from './problem.js';

/** Stricter than URL, which takes `*`, `;` and `,` in a host: origins are compared, and written into the pages' policy. */
const WEB_ORIGIN = /^https?:\/\/(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d+)?$/;

const origin = z.string().refine((value) => {
  try {
    return WEB_ORIGIN.test(value) && new URL(value).origin === value;
  } catch {
    return false;
  }
}, 'must be an exact origin such as https://app.example.com, without a path');

/** One scope. Two in one text would be asked for as two, and known as one. @see RFC 6749 section 3.3 */
const scope = z
  .string()
  .max(256)
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope: no spaces, quotes or backslashes');

/**
 * What a session token may do in the browser: connect, list its owner's connections, disconnect one of them. Only what is
 * named: a session of `list` alone connects nothing. `setup`, beside `connect`: where the tenant needs an OAuth app of its
 * own and has none yet, the person may set it up, or forward a link for that. It decides where everybody of the tenant
 * signs in, so give it to people who may decide that.
 */
export const sessionPermission = z.enum(['connect', 'list', 'disconnect', 'setup']);
export type SessionPermission = z.infer<typeof sessionPermission>;

/** Body of `POST /v1/connect-sessions`. */
export const connectSessionRequest = z
  .strictObject({
    tenantId: appId,
    userId: appId.optional(),
    owner: z.literal('tenant').optional(),
    /** Integrations that may be connected with the session; all that are set up, when left out. */
    integrations: z.array(appId).min(1).optional(),
    label: appId.default(DEFAULT_LABEL),
    /** Reconnects this connection instead of making a new one; the account must be the same. */
    connectionId: z.string().min(1).optional(),
    /** Asked for instead of the integration's scopes. */
    scopes: z.array(scope).max(100).optional(),
    /** Settings of the connection, such as Okta's `domain`. */
    config: z.record(z.string(), z.string()).optional(),
    metadata: metadata.optional(),
    permissions: z.array(sessionPermission).min(1).default(['connect']),
    /** Exact origins of the app's pages, at most 20: none, and no page is told of the outcome, nor may frame the hosted ones. */
    allowedOrigins: z.array(origin).max(20).default([]),
    /** Where the redirect flow ends; its origin must be in `allowedOrigins`. */
    returnUrl: z.url({ protocol: /^https?$/ }).optional(),
    /** RFC 7636 S256 challenge: the connection is active only after `finish` with its verifier. */
    codeChallenge: z
      .string()
      .regex(/^[A-Za-z0-9_-]{43}$/, 'must be a base64url SHA-256')
      .optional(),
    /** How long the mailed link works: 10 minutes unless told, at most 7 days. */
    linkLifetimeSeconds: z.int().min(60).max(604_800).optional(),
  })
  .refine(namesOneOwner, OWNER_RULE)
  .refine(
    ({ returnUrl, allowedOrigins }) =>
      // What is no URL at all has been complained about already.
      returnUrl === undefined ||
      !URL.canParse(returnUrl) ||
      allowedOrigins.includes(new URL(returnUrl).origin),
    { message: 'must have its origin in allowedOrigins', path: ['returnUrl'] },
  );
export type ConnectSessionRequest = z.input<typeof connectSessionRequest>;
export type ParsedConnectSessionRequest = z.output<typeof connectSessionRequest>;

/** Answer to `POST /v1/connect-sessions`. */
export const createdConnectSession = z.object({
  id: z.string(),
  /** For the browser (`<AuthpipeProvider session>`): it can do what `permissions` says, for this owner, until `expiresAt`. */
  token: z.string(),
  /** A link that carries a single-use code, to be opened instead of using the button. */
  url: z.string(),
  expiresAt: z.iso.datetime(),
});
export type CreatedConnectSession = z.infer<typeof createdConnectSession>;

/** Why a session did not end in a connection. */
export const sessionErrorCode = z.enum([
  'session_expired',
  'access_denied',
  'account_mismatch',
  'provider_error',
  'cancelled',
  'integration_not_configured',
]);
export type SessionErrorCode = z.infer<typeof sessionErrorCode>;

/** `pending` until a person finished; `awaiting_finish` until the backend presents its code verifier. */
export const connectSessionStatus = z.enum(['pending', 'awaiting_finish', 'complete', 'failed', 'expired']);
export type ConnectSessionStatus = z.infer<typeof connectSessionStatus>;

/** Answer to `GET /v1/connect-sessions/{id}` and to the browser's look at its own session. */
export const connectSessionState = z.object({
  id: z.string(),
  status: connectSessionStatus,
  connection: connectedAccount.optional(),
  error: z
    .object({ code: sessionErrorCode, detail: z.string(), errors: z.array(fieldError).optional() })
    .optional(),
});
export type ConnectSessionState = z.infer<typeof connectSessionState>;

/** Body of `POST /v1/connect-sessions/{id}/finish`. @see RFC 7636 section 4.1 */
export const finishConnectSessionRequest = z.strictObject({
  codeVerifier: z.string().regex(/^[A-Za-z0-9._~-]{43,128}$/, 'must be 43 to 128 unreserved characters'),
});

/** `type` of the message that the hosted page posts to the opener, at an exact origin. */
export const CONNECT_MESSAGE_TYPE = 'authpipe:connect';

/** The message itself: it names the session, and carries its state; never a credential. */
export interface ConnectMessage {
  readonly type: typeof CONNECT_MESSAGE_TYPE;
  readonly session: ConnectSessionState;
}
