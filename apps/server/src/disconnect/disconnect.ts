import type { DeletedConnection } from '@authpipe/types';
import { type ConnectionStore, connectionNotFound } from '../credentials/connection-store.js';
import type { ConnectionRecord, CredentialSecrets } from '../credentials/credential-record.js';
import type { CredentialStore } from '../credentials/credential-store.js';
import type { RefreshStore } from '../credentials/refresh-store.js';
import { errorSummary } from '../errors/error-summary.js';
import { Problem } from '../errors/problem.js';
import type { Logger } from '../log/logger.js';
import type { OAuth, TokenTarget } from '../oauth/oauth.js';
import type { Sleep } from '../sleep.js';
import type { TenantStore } from './tenant-store.js';

/** How long a refresh that is under way is waited for, so that the token that is revoked is the newest. */
const LOOK_MILLIS = 200;
const MAX_LOOKS = 60;
/** Connections of a tenant that are ended at once. */
const CONCURRENCY = 8;
/** How often a tenant is looked over for connections, and a connection for grants, that came while it was being ended. */
const MAX_ROUNDS = 5;

export interface DisconnectDependencies {
  readonly connections: Pick<ConnectionStore, 'findRecord' | 'eraseConnection' | 'listIds'>;
  readonly credentials: Pick<CredentialStore, 'openCredential'>;
  readonly refreshes: Pick<RefreshStore, 'claimRefresh'>;
  readonly tenants: Pick<TenantStore, 'eraseTenant'>;
  readonly oauth: Pick<OAuth, 'revoke'>;
  /** Whom to ask, as whom; `null` when the connection has no OAuth client. */
  readonly findTarget: (
    connection: ConnectionRecord,
    secrets: CredentialSecrets,
  ) => Promise<{ readonly target: TokenTarget } | null>;
  /** Whether a grant, by when it was issued, is this server's to end at the provider. */
  readonly mayRevoke: (issuedAt: Date) => boolean;
  readonly sleep: Sleep;
  readonly log: Logger;
}

/** The end of a connection: revoked at the provider, then erased here. */
export interface Disconnect {
  /**
   * A provider that does not answer, can't revoke, or must not be asked (the grant is another deployment's) does not keep
   * the data alive: it is erased all the same, and `revokedAtProvider` is false. @throws Problem `connection_not_found`, `conflict`
   */
  deleteConnection(connectionId: string, environment: string): Promise<DeletedConnection>;
  /** All connections of a tenant, its integrations, its sessions and its keys. */
  deleteTenant(
    environment: string,
    tenantId: string,
  ): Promise<{ connections: number; revokedAtProvider: number }>;
}

/** Disconnecting. */
export const createDisconnect = ({
  connections,
  credentials,
  refreshes,
  tenants,
  oauth,
  findTarget,
  mayRevoke,
  sleep,
  log,
}: DisconnectDependencies): Disconnect => {
  /** Keeps others from refreshing from here on. A wait that runs out goes on: the data has to go. */
  const keepStill = async (connectionId: string, environment: string): Promise<void> => {
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      if (await refreshes.claimRefresh({ connectionId, environment }, { force: true })) return;
      await sleep(LOOK_MILLIS);
    }
  };

  /** The refresh token where there is one: with it the whole grant ends. The access token alone would not do that. */
  const revoke = async (connectionId: string, environment: string): Promise<boolean> => {
    const stored = await credentials.openCredential(connectionId, environment);
    if (!stored || !('accessToken' in stored.secrets)) return false;
    // A copy of another deployment's grant: ending it would end the original.
    if (!mayRevoke(stored.issuedAt)) return false;
    const { accessToken, refreshToken } = stored.secrets;
    const found = await findTarget(stored.connection, stored.secrets);
    if (!found) return false;
    return refreshToken === null
      ? oauth.revoke(found.target, accessToken, 'access_token')
      : oauth.revoke(found.target, refreshToken, 'refresh_token');
  };

  /**
   * Whether the provider revoked; `null` when there was no such connection. What is erased is what was revoked: a grant
   * that somebody saved meanwhile is ended too.
   */
  const end = async (connectionId: string, environment: string): Promise<boolean | null> => {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      if (!(await connections.findRecord(connectionId, environment))) return null;
      await keepStill(connectionId, environment);
      const still = await connections.findRecord(connectionId, environment);
      if (!still) return null;
      const revoked = await revoke(connectionId, environment).catch((error: unknown) => {
        log.warn(
          { connectionId, error: errorSummary(error) },
          'a grant could not be revoked at the provider',
        );
        return false;
      });
      const details = { revokedAtProvider: revoked };
      if (await connections.eraseConnection(connectionId, environment, still.version, details))
        return revoked;
    }
    throw new Problem('conflict', 'The connection is being changed by others at the same time: try again.');
  };

  return {
    async deleteConnection(connectionId, environment) {
      const revokedAtProvider = await end(connectionId, environment);
      if (revokedAtProvider === null) throw connectionNotFound();
      return { id: connectionId, revokedAtProvider };
    },

    async deleteTenant(environment, tenantId) {
      let [total, revokedAtProvider] = [0, 0];
      const endAll = async (ids: string[]): Promise<void> => {
        for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
          total += 1;
          if (await end(id, environment)) revokedAtProvider += 1;
        }
      };
      let ids = await connections.listIds(environment, tenantId);
      // Again, for what was connected meanwhile: it may be sealed with a key that is destroyed by now.
      for (let round = 0; round === 0 || (ids.length > 0 && round < MAX_ROUNDS); round += 1) {
        await Promise.all(Array.from({ length: CONCURRENCY }, () => endAll(ids)));
        await tenants.eraseTenant(environment, tenantId);
        ids = await connections.listIds(environment, tenantId);
      }
      return { connections: total, revokedAtProvider };
    },
  };
};
