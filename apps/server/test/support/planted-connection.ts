import type { Org } from '../../../demo/src/org/index.js';
import type { Clock } from '../../src/clock.js';
import { accessTokenExpiry, refreshTokenExpiry } from '../../src/credentials/refresh-schedule.js';
import { oktaMethod } from './okta.js';
import { CLIENT_ID, ENVIRONMENT, TENANT, type TestNode } from './world.js';

export const PLANTED_SCOPES = ['openid', 'profile', 'email', 'offline_access', 'okta.users.read'];

/** A connection as `connectUser` makes it, but for the walk through the pages: for tests with many. */
export const plantConnection = async (
  node: TestNode,
  org: Org,
  clock: Clock,
  {
    userId,
    person = 'ada@acme.test',
    integrationId = 'okta',
    clientId = CLIENT_ID,
    label = 'default',
    scopes = PLANTED_SCOPES,
  }: {
    userId: string;
    person?: string;
    integrationId?: string;
    clientId?: string;
    label?: string;
    scopes?: readonly string[];
  },
) => {
  const integration = await node.integrations.resolveIntegration({
    environment: ENVIRONMENT,
    tenantId: TENANT,
    integration: integrationId,
  });
  const issuedAt = clock.now();
  const grant = await org.control.issueGrant({ user: person, clientId, scopes });
  const { connection } = await node.grants.saveGrant({
    key: { environment: ENVIRONMENT, integrationId, tenantId: TENANT, owner: 'user', userId, label },
    integrationRowId: integration.rowId,
    provider: 'okta',
    authMethod: oktaMethod.id,
    kind: 'oauth2',
    secrets: { kind: 'oauth2', accessToken: grant.accessToken, refreshToken: grant.refreshToken },
    tokenType: 'Bearer',
    issuedAt,
    expiresAt: accessTokenExpiry(issuedAt, grant.expiresInSeconds),
    refreshExpiresAt: refreshTokenExpiry(oktaMethod, issuedAt),
    account: null,
    requestedScopes: grant.scopes,
    scopes: grant.scopes,
    config: {},
    verifiedBy: 'connect',
  });
  return { id: connection.id, userId, grantId: grant.grantId };
};
