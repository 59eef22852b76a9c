import type { Credential, ParsedCredentialRef, StatusReason } from '@authpipe/types';
import type { Actor } from '../actor.js';
import type { Clock } from '../clock.js';
import { Problem } from '../errors/problem.js';
import { canBeRenewed, type ServedCredential } from './credential-record.js';
import type { CredentialStore } from './credential-store.js';
import { toCredential, type WireContext } from './to-wire.js';

/**
 * Brings a credential that is due up to date; `refresh/` implements it. Resolves when nothing more is to be had now:
 * the caller reads again. Never rejects for what the provider did.
 * - `background`: one attempt, if nobody else makes one;
 * - `wait`: waits for whoever is at it, up to `waitMillis` (12 s unless told); the refresh itself goes on after that.
 */
export type RefreshIfDue = (
  stored: Pick<ServedCredential, 'connection' | 'version'>,
  mode: 'background' | 'wait',
  waitMillis?: number,
) => Promise<void>;

/** What somebody was answered who asked for a credential. */
export interface IssuedCredential {
  readonly reader: Actor;
  readonly connection: ServedCredential['connection'];
  readonly version: number;
  /** `ok`, or the code of the refusal. */
  readonly result: string;
}

/** Ends of a grant that leave the living access token alone. All others evict it at once. */
const SERVED_TO_ITS_END: ReadonlySet<StatusReason | null> = new Set([
  'refresh_token_expired',
  'refresh_token_missing',
  'rotation_lost',
  'deployment_copied',
]);

/** Shorter than any client waits for its answer: what hangs is the provider, and a client has to learn that. */
const READ_WAIT_MILLIS = 8_000;

/** Told to callers when nothing better is known. */
const RETRY_AFTER_SECONDS = 5;

/** The refusal that sends a person to the connect button, and nobody anywhere else. */
export const needsReconnect = ({ connection }: Pick<ServedCredential, 'connection'>): Problem =>
  new Problem('needs_reconnect', 'The account has to be connected again by a person: send them to connect.', {
    connectionId: connection.id,
    ...(connection.reason === null ? {} : { reason: connection.reason }),
  });

const unavailable = ({ connection, refreshAt }: ServedCredential, now: Date): Problem => {
  const wait = refreshAt ? Math.ceil((refreshAt.getTime() - now.getTime()) / 1000) : 0;
  return new Problem(
    'provider_unavailable',
    connection.reason === 'client_secret_invalid' || connection.reason === 'app_deactivated'
      ? 'The access token has ended and the provider refuses the integration’s OAuth client: set its credentials anew on the integration. Nobody has to reconnect.'
      : 'The access token has ended and the provider gave no new one yet: try again shortly. Nobody has to reconnect.',
    {
      connectionId: connection.id,
      ...(connection.reason === null ? {} : { reason: connection.reason }),
      retryAfterSeconds: Math.max(wait, RETRY_AFTER_SECONDS),
    },
  );
};

/**
 * Reads a credential that works now, in one SQL statement unless it has ended. What is due but valid is answered at once
 * while a refresh runs in the background; what has ended is waited for, bounded. Never answers a token past its end.
 */
export const createReadCredential = ({
  credentials,
  refreshIfDue,
  clock,
  wire,
  noteUse,
  noteIssued = () => {},
}: {
  readonly credentials: CredentialStore;
  readonly refreshIfDue: RefreshIfDue;
  readonly clock: Clock;
  readonly wire: WireContext;
  /** Notes that a connection is used; costs no statement. */
  readonly noteUse: (connectionId: string, lastUsedAt: Date | null) => void;
  /** Told of each answer to somebody whose name is known, for the audit; costs no statement. */
  readonly noteIssued?: (issued: IssuedCredential) => void;
}) => {
  const hasEnded = ({ expiresAt }: ServedCredential): boolean =>
    expiresAt !== null && expiresAt.getTime() <= clock.now().getTime();

  const isDue = ({ refreshAt }: ServedCredential): boolean =>
    refreshAt !== null && refreshAt.getTime() <= clock.now().getTime();

  const isLeased = ({ leaseUntil }: ServedCredential): boolean =>
    leaseUntil !== null && leaseUntil.getTime() > clock.now().getTime();

  const refuseDead = (stored: ServedCredential): void => {
    const { status, reason } = stored.connection;
    if (status !== 'needs_reconnect') return;
    if (!SERVED_TO_ITS_END.has(reason) || hasEnded(stored)) throw needsReconnect(stored);
  };

  /** A provider that nobody knows is misspelt rather than not connected: the answer says so. */
  const find: CredentialStore['findCredential'] = async (ref, environment, tenantId) => {
    try {
      return await credentials.findCredential(ref, environment, tenantId);
    } catch (error) {
      const isNotFound = error instanceof Problem && error.code === 'connection_not_found';
      const provider = 'provider' in ref ? ref.provider : undefined;
      if (!isNotFound || provider === undefined || wire.findProvider(provider)) throw error;
      throw new Problem(
        'connection_not_found',
        'There is no such connection, and neither a provider nor a connected integration of this name: check its spelling against GET /v1/providers.',
      );
    }
  };

  /** An ended token: the refresh that is under way or due, else the wait until the next one. */
  const renewed = async (stored: ServedCredential, waitMillis: number): Promise<ServedCredential> => {
    const { connection } = stored;
    if (isDue(stored) || isLeased(stored)) await refreshIfDue(stored, 'wait', waitMillis);
    const again = await credentials.openCredential(connection.id, connection.environment);
    if (!again) return stored;
    refuseDead(again);
    return again;
  };

  /**
   * @param reader who asks
   * @param waitMillis how long to wait for a new token where the one there was has ended; 8 s unless told
   * @throws Problem `connection_not_found`, `connection_ambiguous`, `needs_reconnect` with its reason, or
   *   `provider_unavailable` with `Retry-After` when a token has ended and no new one is to be had
   */
  return async (
    ref: ParsedCredentialRef,
    environment: string,
    tenantId: string | null,
    waitMillis = READ_WAIT_MILLIS,
    reader?: Actor,
  ): Promise<Credential> => {
    const stored = await find(ref, environment, tenantId);
    const { connection, version } = stored;
    try {
      const served = await serve(stored, waitMillis);
      if (reader) noteIssued({ reader, connection, version: served.version, result: 'ok' });
      return served;
    } catch (error) {
      const result = error instanceof Problem ? error.code : 'internal_error';
      if (reader) noteIssued({ reader, connection, version, result });
      throw error;
    }
  };

  async function serve(
    stored: ServedCredential & { lastUsedAt: Date | null },
    waitMillis: number,
  ): Promise<Credential> {
    noteUse(stored.connection.id, stored.lastUsedAt);
    refuseDead(stored);
    if (!hasEnded(stored)) {
      if (isDue(stored) && !isLeased(stored) && canBeRenewed(stored.secrets)) {
        void refreshIfDue(stored, 'background');
      }
      return toCredential(stored, wire);
    }
    const current = await renewed(stored, waitMillis);
    if (hasEnded(current)) throw unavailable(current, clock.now());
    return toCredential(current, wire);
  }
};
