import type { CreatedConnectSession, ParsedConnectSessionRequest } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import type { ConnectionRecord } from '../credentials/credential-record.js';
import { Problem } from '../errors/problem.js';
import { newId, type Randomness } from '../randomness.js';
import { missingApp } from './app-setup/app-setup.js';
import { checkGivenSettings, ownSettings } from './app-setup/given-settings.js';
import type { ConnectConnections, ConnectIntegrations } from './connect-integrations.js';
import type { ConnectSessionStore } from './connect-session-store.js';
import { secretHash } from './secret-hash.js';
import { type ChoiceOptions, findChoices } from './session-choices.js';
import { newSecret, newSessionToken, sessionTokenHash } from './session-token.js';

const DEFAULT_LINK_SECONDS = 600;

/** What remains to somebody who opens the link at its last second. With the default link, a session lasts 30 minutes. */
const AFTER_LINK_SECONDS = 1200;

/** Who makes a session: the API key's environment, and its tenant if it is limited to one. */
export interface SessionMaker {
  readonly environment: string;
}

export interface CreateSessionDependencies {
  readonly sessions: Pick<ConnectSessionStore, 'insert'>;
  readonly integrations: Pick<ConnectIntegrations, 'findIntegrations'>;
  readonly connections: Pick<ConnectConnections, 'findRecord'>;
  readonly choiceOptions: ChoiceOptions;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

type Owner = Pick<ConnectionRecord, 'environment' | 'tenantId' | 'owner' | 'userId'>;

/** Whether a connection belongs to exactly this owner. */
export const belongsTo = (connection: Owner, owner: Owner): boolean =>
  connection.environment === owner.environment &&
  connection.tenantId === owner.tenantId &&
  connection.owner === owner.owner &&
  connection.userId === owner.userId;

/**
 * Makes a connect session.
 * @throws Problem `integration_not_configured`; `connection_not_found` for a reconnect of what is not this owner's;
 *   `invalid_request` for settings that no integration can have
 */
export const createCreateSession =
  ({
    sessions,
    integrations,
    connections,
    choiceOptions,
    publicUrl,
    clock,
    randomness,
  }: CreateSessionDependencies) =>
  async ({
    key: { environment },
    request,
  }: {
    key: SessionMaker;
    request: ParsedConnectSessionRequest;
  }): Promise<CreatedConnectSession> => {
    const owner: Owner = {
      environment,
      tenantId: request.tenantId,
      owner: request.owner ?? 'user',
      userId: request.userId ?? null,
    };
    const reconnected =
      request.connectionId === undefined
        ? null
        : await connections.findRecord(request.connectionId, environment);
    if (request.connectionId !== undefined && !(reconnected && belongsTo(reconnected, owner))) {
      throw new Problem(
        'connection_not_found',
        'There is no such connection of this tenant and owner to reconnect.',
      );
    }
    const allowed = reconnected ? [reconnected.integrationId] : (request.integrations ?? []);
    const config = { ...reconnected?.config, ...request.config };
    const available = await integrations.findIntegrations({ environment, tenantId: owner.tenantId });
    const filter = { integrations: allowed, chosen: null, config, reconnected };
    const choices = findChoices(available, filter, choiceOptions);
    const comingApp = (id: string) =>
      request.permissions.includes('setup') ? missingApp(id, available, choiceOptions.findProvider) : null;
    const coming = allowed.flatMap((id) => comingApp(id) ?? []);
    for (const definition of coming) {
      checkGivenSettings(definition, ownSettings(definition, config), choiceOptions.allowLoopback);
    }
    const missing = allowed.filter(
      (id) => !choices.some(({ integrationId }) => integrationId === id) && comingApp(id) === null,
    );
    const isNothing = choices.length === 0 && coming.length === 0;
    // A session that only lists and disconnects needs nothing that could be connected.
    if (request.permissions.includes('connect') && (isNothing || missing.length > 0)) {
      throw new Problem(
        'integration_not_configured',
        missing.length > 0
          ? `Not set up for this tenant, or not with these settings: ${missing.join(', ')}. PUT /v1/integrations/… first.`
          : 'No integration is set up that a person could connect. PUT /v1/integrations/… first, or name a provider that needs none in integrations.',
      );
    }

    const now = clock.now();
    const linkLifetimeSeconds = request.linkLifetimeSeconds ?? DEFAULT_LINK_SECONDS;
    const expiresAt = addSeconds(now, linkLifetimeSeconds + AFTER_LINK_SECONDS);
    const id = newId('sess', randomness);
    const token = newSessionToken(publicUrl, randomness);
    const linkCode = newSecret(randomness);
    const tokenHash = sessionTokenHash(token);
    if (!tokenHash) throw new TypeError('a new session token can not be read back');
    await sessions.insert({
      id,
      ...owner,
      tokenHash,
      linkCodeHash: secretHash(linkCode),
      linkExpiresAt: addSeconds(now, linkLifetimeSeconds),
      integrations: allowed,
      label: reconnected?.label ?? request.label,
      reconnectId: reconnected?.id ?? null,
      scopes: request.scopes ?? [],
      config,
      metadata: request.metadata ?? {},
      permissions: request.permissions,
      allowedOrigins: request.allowedOrigins,
      returnUrl: request.returnUrl ?? null,
      codeChallenge: request.codeChallenge ?? null,
      createdAt: now,
      expiresAt,
    });
    return { id, token, url: `${publicUrl}/connect?code=${linkCode}`, expiresAt: expiresAt.toISOString() };
  };
