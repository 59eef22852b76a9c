import { fillUrl } from '@authpipe/providers';
import type { ConnectionRecord } from '../credentials/credential-record.js';
import { type FindProvider, methodOf } from '../credentials/to-wire.js';
import type { IntegrationRecord, Integrations } from '../integrations/integration-store.js';
import type { OAuthTarget } from '../oauth/oauth.js';

/** Whom to ask about a connection, as whom. */
export interface ConnectionTarget {
  readonly target: OAuthTarget;
  readonly integration: IntegrationRecord;
}

/** `null` when the connection has no OAuth client (an imported token), or its definition is gone. */
export type FindTarget = (connection: ConnectionRecord) => Promise<ConnectionTarget | null>;

/**
 * What a target's token endpoint is known by where outages and rate limits are counted. Its metadata counts too: an
 * outage may begin there.
 */
export const endpointKeyOf = (
  { method: { endpoints }, config }: Pick<OAuthTarget, 'method' | 'config'>,
  allowLoopback: boolean,
): string =>
  fillUrl(endpoints.source === 'fixed' ? endpoints.token : endpoints.issuer, config, { allowLoopback });

/**
 * Finds the OAuth client of a connection. The integration's settings win over the connection's, so that a client secret
 * only ever goes to the hosts that are fixed on its integration.
 */
export const createFindTarget =
  ({
    integrations,
    findProvider,
  }: {
    readonly integrations: Pick<Integrations, 'findByRowId' | 'openClient'>;
    readonly findProvider: FindProvider;
  }): FindTarget =>
  async (connection) => {
    if (connection.integrationRowId === null) return null;
    const definition = findProvider(connection.provider);
    const method = methodOf(definition, connection.authMethod);
    const integration = await integrations.findByRowId(connection.integrationRowId);
    if (!definition || method?.kind !== 'oauth2' || !integration) return null;
    const client = await integrations.openClient(integration);
    const config = { ...connection.config, ...integration.config };
    return { target: { definition, method, config, client }, integration };
  };
