import type { ConnectionKind } from '@authpipe/types';
import { z } from 'zod';
import type { CredentialSecrets } from '../credentials/credential-record.js';
import type { NewGrant } from '../credentials/grant-store.js';
import type { ConnectSession } from './connect-session.js';

/** A credential that a person typed, with all that is kept of it beside whose it is. Secret. */
export interface TypedGrant
  extends Omit<NewGrant, 'key' | 'connectionId' | 'metadata' | 'refreshExpiresAt' | 'account'> {
  readonly integrationId: string;
}

const storedGrant = z.object({
  integrationId: z.string(),
  integrationRowId: z.string().nullable(),
  provider: z.string(),
  authMethod: z.string(),
  kind: z.string(),
  secrets: z.looseObject({ kind: z.string() }),
  tokenType: z.string(),
  issuedAt: z.coerce.date(),
  expiresAt: z.coerce.date().nullable(),
  requestedScopes: z.array(z.string()),
  scopes: z.array(z.string()),
  config: z.record(z.string(), z.string()),
  verifiedBy: z.string().nullable(),
});

/** For sealing. Secret. */
export const serializeTypedGrant = (grant: TypedGrant): string => JSON.stringify(grant);

/** The reverse: sealed by this server from the same type, and the vault refuses anything that was altered. */
export const parseTypedGrant = (text: string): TypedGrant => {
  const { kind, secrets, ...rest } = storedGrant.parse(JSON.parse(text));
  return { ...rest, kind: kind as ConnectionKind, secrets: secrets as CredentialSecrets };
};

/** What becomes of it: the connection that it makes or mends, for the owner that the session names. */
export const newGrantOf = ({ integrationId, ...grant }: TypedGrant, session: ConnectSession): NewGrant => ({
  ...grant,
  key: {
    environment: session.environment,
    integrationId,
    tenantId: session.tenantId,
    owner: session.owner,
    userId: session.userId,
    label: session.label,
  },
  ...(session.reconnectId === null ? {} : { connectionId: session.reconnectId }),
  refreshExpiresAt: null,
  account: null,
  ...(Object.keys(session.metadata).length === 0 ? {} : { metadata: session.metadata }),
});
