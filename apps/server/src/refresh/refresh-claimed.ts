import { addSeconds, type Clock } from '../clock.js';
import type { StoredCredential } from '../credentials/credential-record.js';
import type { CredentialStore } from '../credentials/credential-store.js';
import { accessTokenExpiry, refreshDueAt } from '../credentials/refresh-schedule.js';
import type { RefreshClaim, RefreshedCredential, RefreshStore } from '../credentials/refresh-store.js';
import { errorName } from '../errors/error-name.js';
import type { Integrations } from '../integrations/integration-store.js';
import type { Logger } from '../log/logger.js';
import type { OAuth, TokenGrant } from '../oauth/oauth.js';
import { TokenRequestError } from '../oauth/token-request-error.js';
import type { Randomness } from '../randomness.js';
import type { Sleep } from '../sleep.js';
import { deadReason } from './dead-reason.js';
import type { ConnectionTarget, FindTarget } from './find-target.js';
import { backoffSeconds, slowRetrySeconds } from './retry-delay.js';

/** A new token that can't be written is tried again this often: it may be the only one the provider will give. */
const SAVE_ATTEMPTS = 5;
const FIRST_SAVE_PAUSE_MILLIS = 250;

/**
 * One failure passes unseen: the old token still works, and the next try is seconds away. `degraded` begins with the
 * second in a row, or when there is no living token any more.
 */
const QUIET_FAILURES = 1;

export interface RefreshClaimedDependencies {
  readonly store: RefreshStore;
  readonly credentials: Pick<CredentialStore, 'openCredential'>;
  readonly integrations: Pick<Integrations, 'markIntegration'>;
  readonly oauth: Pick<OAuth, 'refresh' | 'revoke'>;
  readonly findTarget: FindTarget;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sleep: Sleep;
  readonly log: Logger;
  readonly isStopping: () => boolean;
}

type OAuthSecrets = Extract<StoredCredential['secrets'], { accessToken: string }>;

/**
 * Refreshes one connection that this process has claimed: read again, record the intent, ask, write if version and lease
 * are still ours. Whatever the provider does ends in the database, not in an exception.
 */
export const createRefreshClaimed = ({
  store,
  credentials,
  integrations,
  oauth,
  findTarget,
  clock,
  randomness,
  sleep,
  log,
  isStopping,
}: RefreshClaimedDependencies) => {
  const hasEnded = ({ expiresAt }: StoredCredential): boolean =>
    expiresAt !== null && expiresAt <= clock.now();

  const later = (seconds: number): Date => addSeconds(clock.now(), seconds);

  const withoutRefreshToken = async (stored: StoredCredential): Promise<void> => {
    if (hasEnded(stored)) await store.saveDeadGrant(stored, 'refresh_token_missing');
    else await store.releaseRefreshes([stored.connection.id]);
  };

  const withoutTarget = (stored: StoredCredential): Promise<boolean> =>
    store.saveRefreshFailure(stored, {
      refreshAt: later(slowRetrySeconds(randomness.fraction())),
      reason: 'configuration',
      forgetIntent: false,
    });

  const failed = async (
    stored: StoredCredential,
    { target, integration }: ConnectionTarget,
    error: unknown,
  ): Promise<void> => {
    const connectionId = stored.connection.id;
    if (!(error instanceof TokenRequestError)) {
      log.error({ connectionId, error: errorName(error) }, 'refresh broke off');
    }
    const known = error instanceof TokenRequestError ? error : null;
    const verdict = known?.verdict ?? { outcome: 'transient', reason: 'provider_down', detail: '' };
    const fraction = randomness.fraction();
    log.info({ connectionId, outcome: verdict.outcome, reason: verdict.reason }, 'refresh failed');
    // An answer says that nothing was rotated; what an earlier attempt left open stays open.
    const forgetIntent = typeof known?.status === 'number' && stored.refreshIntentAt === null;
    switch (verdict.outcome) {
      case 'reconnect':
        await store.saveDeadGrant(stored, deadReason(verdict, stored, target.method, clock.now()));
        return;
      case 'integration':
      case 'configuration': {
        const reason =
          verdict.reason ?? (verdict.outcome === 'integration' ? 'client_secret_invalid' : 'configuration');
        const refreshAt = later(slowRetrySeconds(fraction));
        await store.saveRefreshFailure(stored, { refreshAt, reason, forgetIntent });
        if (verdict.outcome === 'integration') {
          await integrations.markIntegration(integration.rowId, { status: 'degraded', reason }, clock.now());
        }
        return;
      }
      default: {
        const wait = backoffSeconds(stored.refreshFailures, known?.retryAfterSeconds ?? null, fraction);
        const isQuiet = stored.refreshFailures < QUIET_FAILURES && !hasEnded(stored);
        await store.saveRefreshFailure(stored, {
          refreshAt: later(wait),
          reason: isQuiet ? null : (verdict.reason ?? 'provider_down'),
          forgetIntent,
        });
      }
    }
  };

  const renewedCredential = (
    { connection, refreshExpiresAt }: StoredCredential,
    old: OAuthSecrets,
    grant: TokenGrant,
    issuedAt: Date,
  ): RefreshedCredential => {
    const expiresAt = accessTokenExpiry(issuedAt, grant.expiresInSeconds);
    return {
      // An answer without a refresh token means that the old one stays good (RFC 6749 section 6).
      secrets: {
        ...old,
        accessToken: grant.accessToken,
        refreshToken: grant.refreshToken ?? old.refreshToken,
      },
      tokenType: grant.tokenType,
      issuedAt,
      expiresAt,
      // Rotation inherits the end. A grant that outlived its known end has none that we know.
      refreshExpiresAt: refreshExpiresAt && refreshExpiresAt > issuedAt ? refreshExpiresAt : null,
      // Without an end there is nothing to be ahead of.
      refreshAt: expiresAt
        ? refreshDueAt({ issuedAt, expiresAt, hasRefreshToken: true, fraction: randomness.fraction() })
        : null,
      scopes: grant.scopes ?? connection.scopes,
    };
  };

  const save = async (stored: StoredCredential, renewed: RefreshedCredential): Promise<boolean> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await store.saveRefreshed(stored, renewed);
      } catch (error) {
        log.error({ connectionId: stored.connection.id, attempt }, 'a refreshed token could not be written');
        if (attempt === SAVE_ATTEMPTS) throw error;
        await sleep(FIRST_SAVE_PAUSE_MILLIS * 2 ** (attempt - 1));
      }
    }
  };

  /** The fence did not hold. A reconnect's tokens are the ones to keep; those of a deleted connection are ended. */
  const lost = async (
    { connection }: StoredCredential,
    { target }: ConnectionTarget,
    grant: TokenGrant,
  ): Promise<void> => {
    log.info({ connectionId: connection.id }, 'a refreshed token came too late and was dropped');
    const current = await credentials.openCredential(connection.id, connection.environment);
    if (current || grant.refreshToken === null) return;
    await oauth.revoke(target, grant.refreshToken, 'refresh_token').catch(() => false);
  };

  return async ({ connectionId, environment }: RefreshClaim): Promise<void> => {
    const stored = await credentials.openCredential(connectionId, environment);
    if (!stored) return;
    const { secrets } = stored;
    if (secrets.kind !== 'oauth2' || isStopping()) return store.releaseRefreshes([connectionId]);
    if (secrets.refreshToken === null) return withoutRefreshToken(stored);
    const found = await findTarget(stored.connection);
    if (!found) {
      await withoutTarget(stored);
      return;
    }
    if (!(await store.recordIntent(stored))) return;
    const issuedAt = clock.now();
    let grant: TokenGrant;
    try {
      grant = await oauth.refresh(found.target, secrets.refreshToken);
    } catch (error) {
      return failed(stored, found, error);
    }
    if (!(await save(stored, renewedCredential(stored, secrets, grant, issuedAt)))) {
      return lost(stored, found, grant);
    }
    log.debug({ connectionId, version: stored.version + 1 }, 'refreshed');
    if (found.integration.status === 'degraded') {
      const mended = { status: 'healthy', reason: null } as const;
      await integrations.markIntegration(found.integration.rowId, mended, clock.now());
    }
  };
};
