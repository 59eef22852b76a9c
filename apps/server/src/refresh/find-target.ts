import { fillUrl } from '@authpipe/providers';
import { LRUCache } from 'lru-cache';
import type { ConnectionRecord, CredentialSecrets } from '../credentials/credential-record.js';
import { type FindProvider, methodOf } from '../credentials/to-wire.js';
import type { IntegrationRecord, Integrations, OpenedClient } from '../integrations/integration-store.js';
import type { TokenTarget } from '../oauth/oauth.js';

/** Whom to ask for the next token of a connection, as whom. */
export interface RenewalTarget {
  readonly target: TokenTarget;
  /** `null` where the connection brings a client of its own: then no integration is at fault, whatever happens. */
  readonly integration: IntegrationRecord | null;
}

/** A target that is asked as an integration's client. */
export interface ConnectionTarget extends RenewalTarget {
  readonly integration: IntegrationRecord;
}

/**
 * `null` when the connection has no OAuth client (an imported token), or its definition is gone. Without the secrets only
 * an integration's client is found: a connection's own lies among them.
 */
export interface FindTarget {
  (connection: ConnectionRecord): Promise<ConnectionTarget | null>;
  (
    connection: ConnectionRecord,
    secrets: CredentialSecrets,
    /** The integration's, read a moment ago: an opened client of that version is used again. */
    integrationVersion?: number,
  ): Promise<RenewalTarget | null>;
}

/** Opened clients that refreshes use again: few, and small. */
const MAX_OPENED_CLIENTS = 2_000;

interface OpenedIntegration {
  readonly integration: IntegrationRecord;
  readonly client: OpenedClient;
}

/**
 * What a target's token endpoint is known by where outages and rate limits are counted. Its metadata counts too: an
 * outage may begin there.
 */
export const endpointKeyOf = (
  { method: { endpoints }, config }: Pick<TokenTarget, 'method' | 'config'>,
  allowLoopback: boolean,
): string =>
  fillUrl(endpoints.source === 'fixed' ? endpoints.token : endpoints.issuer, config, { allowLoopback });

/**
 * Finds the OAuth client of a connection. The integration's settings win over the connection's, so that a client secret
 * only ever goes to the hosts that are fixed on its integration. A client of the connection's own goes by the
 * connection's settings, which came with it.
 */
export const createFindTarget = ({
  integrations,
  findProvider,
}: {
  readonly integrations: Pick<Integrations, 'findByRowId' | 'openClient'>;
  readonly findProvider: FindProvider;
}): FindTarget => {
  const opened = new LRUCache<string, OpenedIntegration>({ max: MAX_OPENED_CLIENTS });

  const openIntegration = async (rowId: string, version?: number): Promise<OpenedIntegration | null> => {
    const known = opened.get(rowId);
    if (known && known.integration.version === version) return known;
    const integration = await integrations.findByRowId(rowId);
    if (!integration) return null;
    const found = { integration, client: await integrations.openClient(integration) };
    if (integration.version === version) opened.set(rowId, found);
    return found;
  };

  async function findTarget(connection: ConnectionRecord): Promise<ConnectionTarget | null>;
  async function findTarget(
    connection: ConnectionRecord,
    secrets: CredentialSecrets,
    integrationVersion?: number,
  ): Promise<RenewalTarget | null>;
  async function findTarget(
    connection: ConnectionRecord,
    secrets?: CredentialSecrets,
    integrationVersion?: number,
  ): Promise<RenewalTarget | null> {
    const definition = findProvider(connection.provider);
    const method = methodOf(definition, connection.authMethod);
    if (!definition || (method?.kind !== 'oauth2' && method?.kind !== 'client_credentials')) return null;
    if (secrets?.kind === 'client_credentials' && secrets.client !== null) {
      const { client } = secrets;
      return { target: { definition, method, config: connection.config, client }, integration: null };
    }
    if (connection.integrationRowId === null) return null;
    const found = await openIntegration(connection.integrationRowId, integrationVersion);
    if (!found) return null;
    const { integration, client } = found;
    const config = { ...connection.config, ...integration.config };
    return { target: { definition, method, config, client }, integration };
  }
  return findTarget;
};
