import type { Connection } from '@authpipe/types';
import { AuthpipeError } from './errors.js';

/**
 * Reasons that end a grant but not the access token that came of it: the provider still takes it until its own end.
 * Any other reason says that the account or the person is gone, and the credential with it.
 */
const TOKEN_OUTLIVES = new Set([
  'refresh_token_expired',
  'refresh_token_missing',
  'rotation_lost',
  'deployment_copied',
]);

/** Troubles on the way to the answer, even where repeating the request is no use. */
const UNDECIDED = new Set<string>(['server_unreachable', 'provider_error']);

/** What a failed question says about the credential that is held. */
export type Verdict =
  /** Nothing: no answer came, or a passing trouble. The unexpired credential is served on. */
  | 'unknown'
  /** The credential must not be served again. */
  | 'dead'
  /** The API key is not accepted: nothing that was read with it may be served again. */
  | 'key_refused';

/** Reads the verdict off an error. An answer that is not Authpipe's own (a proxy's page) decides nothing. */
export const verdictOf = (error: unknown): Verdict => {
  if (!(error instanceof AuthpipeError) || error.retryable || UNDECIDED.has(error.code)) return 'unknown';
  if (error.code === 'unauthorized') return 'key_refused';
  if (error.code === 'needs_reconnect' && !isTokenDeadFor(error.reason)) return 'unknown';
  return 'dead';
};

/**
 * Whether the failure of a call about a connection, one that renews or checks it, says that its credential must not be
 * served again. A call that was refused for the caller's sake says nothing about the credential.
 */
export const endsCredential = (error: unknown): boolean =>
  error instanceof AuthpipeError &&
  (error.code === 'connection_not_found' ||
    (error.code === 'needs_reconnect' && isTokenDeadFor(error.reason)));

/** Whether a look at the connection says that the credential held of `version` is not the one to serve. */
export const isOutdatedBy = (connection: Connection, version: number): boolean =>
  connection.version > version ||
  (connection.status === 'needs_reconnect' && isTokenDeadFor(connection.reason));

/** Whether a connection that needs reconnecting for this reason has no living access token any more. */
export const isTokenDeadFor = (reason: string | null | undefined): boolean =>
  !TOKEN_OUTLIVES.has(reason ?? '');
