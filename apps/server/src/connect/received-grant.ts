import { connectionAccount } from '@authpipe/types';
import { z } from 'zod';
import type { NewGrant } from '../credentials/grant-store.js';
import { accessTokenExpiry } from '../credentials/refresh-schedule.js';
import type { DpopKey } from '../oauth/dpop-key.js';
import type { TokenGrant } from '../oauth/oauth.js';
import type { AuthorizationRequest } from './authorization-request-store.js';
import type { ConnectIntegration } from './connect-integrations.js';
import type { ConnectSession } from './connect-session.js';

/** A grant as it came, with the times that belong to it. */
export interface ReceivedGrant {
  readonly grant: TokenGrant;
  /** Just before it was asked for, so that it never seems to last longer than it does. */
  readonly issuedAt: Date;
  readonly refreshExpiresAt: Date | null;
  /** What the tokens are bound to, where the integration says so. */
  readonly dpopKey?: DpopKey | undefined;
}

const storedGrant = z.object({
  grant: z.object({
    accessToken: z.string(),
    refreshToken: z.string().nullable(),
    tokenType: z.string(),
    expiresInSeconds: z.number().nullable(),
    // Not in grants that an older version held.
    refreshExpiresInSeconds: z.number().nullable().default(null),
    scopes: z.array(z.string()).nullable(),
    account: connectionAccount.nullable(),
  }),
  issuedAt: z.coerce.date(),
  refreshExpiresAt: z.coerce.date().nullable(),
  dpopKey: z.object({ kty: z.string(), d: z.string() }).catchall(z.string()).optional(),
});

/** For sealing. Secret. */
export const serializeGrant = (received: ReceivedGrant): string => JSON.stringify(received);

/** The reverse of `serializeGrant`. */
export const parseGrant = (text: string): ReceivedGrant => {
  const { grant, ...times } = storedGrant.parse(JSON.parse(text));
  const { account } = grant;
  return {
    ...times,
    grant: {
      ...grant,
      account: account && {
        id: account.id,
        ...(account.name === undefined ? {} : { name: account.name }),
        ...(account.email === undefined ? {} : { email: account.email }),
      },
    },
  };
};

/** What becomes of a grant: the connection that it makes or mends. */
export const toNewGrant = (
  { grant, issuedAt, refreshExpiresAt, dpopKey }: ReceivedGrant,
  session: ConnectSession,
  request: AuthorizationRequest,
  integration: ConnectIntegration,
): NewGrant => ({
  key: {
    environment: session.environment,
    integrationId: integration.integrationId,
    tenantId: session.tenantId,
    owner: session.owner,
    userId: session.userId,
    label: session.label,
  },
  ...(session.reconnectId === null ? {} : { connectionId: session.reconnectId }),
  integrationRowId: integration.rowId,
  provider: integration.provider,
  authMethod: integration.authMethod,
  kind: 'oauth2',
  secrets: {
    kind: 'oauth2',
    accessToken: grant.accessToken,
    refreshToken: grant.refreshToken,
    ...(dpopKey === undefined ? {} : { dpopKey }),
  },
  tokenType: grant.tokenType,
  issuedAt,
  expiresAt: accessTokenExpiry(issuedAt, grant.expiresInSeconds),
  refreshExpiresAt,
  account: grant.account,
  requestedScopes: request.requestedScopes,
  scopes: grant.scopes ?? request.requestedScopes,
  config: { ...request.config },
  ...(Object.keys(session.metadata).length === 0 ? {} : { metadata: session.metadata }),
  verifiedBy: 'token_exchange',
});
