import type { IntegrationRequest } from '@authpipe/types';
import type { PublicJwk } from '../../jwk.js';
import type { ConnectIntegration, ConnectIntegrations } from '../connect-integrations.js';

interface Place {
  readonly environment: string;
  readonly tenantId: string | null;
  readonly integrationId: string;
}

/** The OAuth clients, as far as setting one up uses them. */
export interface SetupIntegrations extends Pick<ConnectIntegrations, 'findIntegrations'> {
  /** Exactly that one. */
  getIntegration(place: Place): Promise<ConnectIntegration | null>;
  findByRowId(rowId: string): Promise<{ readonly clientJwk: PublicJwk | null } | null>;
  /** @throws Problem `invalid_request`, `conflict` */
  putIntegration(
    change: Place & { readonly rowId: string; readonly request: IntegrationRequest },
  ): Promise<unknown>;
}
