import type { ConnectionRecord, CredentialSecrets } from '../credentials/credential-record.js';
import { type FindProvider, methodOf } from '../credentials/to-wire.js';
import type { IntegrationRecord, Integrations } from '../integrations/integration-store.js';
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
  (connection: ConnectionRecord, secrets: CredentialSecrets): Promise<RenewalTarget | null>;
}

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
  async function findTarget(connection: ConnectionRecord): Promise<ConnectionTarget | null>;
  async function findTarget(
    connection: ConnectionRecord,
    secrets: CredentialSecrets,
  ): Promise<RenewalTarget | null>;
  async function findTarget(
    connection: ConnectionRecord,
    secrets?: CredentialSecrets,
  ): Promise<RenewalTarget | null> {
    const definition = findProvider(connection.provider);
    const method = methodOf(definition, connection.authMethod);
    if (!definition || (method?.kind !== 'oauth2' && method?.kind !== 'client_credentials')) return null;
    if (secrets?.kind === 'client_credentials' && secrets.client !== null) {
      const { client } = secrets;
      return { target: { definition, method, config: connection.config, client }, integration: null };
    }
    if (connection.integrationRowId === null) return null;
    const integration = await integrations.findByRowId(connection.integrationRowId);
    if (!integration) return null;
    const client = await integrations.openClient(integration);
    const config = { ...connection.config, ...integration.config };
    return { target: { definition, method, config, client }, integration };
  }
  return findTarget;
};
