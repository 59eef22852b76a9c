import type { ProviderDefinition } from '@authpipe/providers';
import type { ConnectSessionState } from '@authpipe/types';
import type { Clock } from '../clock.js';
import type { Database } from '../db/database.js';
import { createClientKey } from '../integrations/client-key.js';
import type { Logger } from '../log/logger.js';
import type { GuardedFetch } from '../oauth/guarded-fetch.js';
import type { OAuth } from '../oauth/oauth.js';
import type { Randomness } from '../randomness.js';
import type { Vault } from '../vault/vault.js';
import { createSetups } from './app-setup/create-setups.js';
import type { SetupIntegrations } from './app-setup/setup-integrations.js';
import { createWriteAuditLine } from './audit-line.js';
import { createAuthorizationRequestStore } from './authorization-request-store.js';
import { createCompleteConnect } from './complete-connect.js';
import type { ConnectConnections, ConnectIntegrations } from './connect-integrations.js';
import { ConnectRefusal } from './connect-refusal.js';
import type { ConnectSession } from './connect-session.js';
import { createConnectSessionStore } from './connect-session-store.js';
import { createCreateSession } from './create-session.js';
import { createSessionEnd } from './finish-session.js';
import { createHeldCredentialStore } from './held-credential-store.js';
import { createOpenSession } from './open-session.js';
import { createProveTyped } from './prove-typed.js';
import { createSaveTyped } from './save-typed.js';
import { sessionTokenHash } from './session-token.js';
import { createStartConnect } from './start-connect.js';

export interface ConnectDependencies {
  readonly db: Pick<Database, 'prisma' | 'query'>;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  readonly oauth: OAuth;
  /** Asks providers whether a key that somebody typed works. */
  readonly fetch: GuardedFetch;
  readonly integrations: ConnectIntegrations & SetupIntegrations;
  readonly connections: ConnectConnections;
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  readonly allowLoopback: boolean;
  /** Without a trailing slash. */
  readonly publicUrl: string;
}

/** Opens the room in which people hand over access: sessions, the trip to the provider, and its end. */
export const createConnect = ({
  db,
  vault,
  findProvider,
  allowLoopback,
  fetch,
  ...shared
}: ConnectDependencies) => {
  const sessions = createConnectSessionStore({ db });
  const requests = createAuthorizationRequestStore({ db, vault });
  const choiceOptions = { findProvider, allowLoopback };
  const held = createHeldCredentialStore({ db, vault, clock: shared.clock });
  const writeAuditLine = createWriteAuditLine({ db, clock: shared.clock, log: shared.log });
  const rooms = { ...shared, writeAuditLine, sessions, requests, held, choiceOptions };
  const end = createSessionEnd(rooms);
  const { pick, ...start } = createStartConnect(rooms);
  return {
    createSession: createCreateSession(rooms),
    ...createOpenSession(rooms),
    ...start,
    saveTyped: createSaveTyped({
      ...rooms,
      pick,
      listOptions: start.listOptions,
      prove: createProveTyped({ fetch, oauth: shared.oauth, allowLoopback }),
    }),
    completeConnect: createCompleteConnect(rooms),
    setups: createSetups({ ...shared, db, vault, findProvider, allowLoopback, createClientKey }),
    ...end,

    /**
     * A session and its state, for the browser that has its token.
     * @throws ConnectRefusal `unknown_session`
     */
    async readByToken(token: string): Promise<{ session: ConnectSession; state: ConnectSessionState }> {
      const tokenHash = sessionTokenHash(token);
      const session = tokenHash && (await sessions.findByTokenHash(tokenHash));
      if (!session) throw new ConnectRefusal('unknown_session');
      return { session, state: await end.stateOf(session) };
    },
  };
};

/** What the `/v1` routes and the hosted pages use. */
export type Connect = ReturnType<typeof createConnect>;
