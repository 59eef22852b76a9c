import { Problem } from '../errors/problem.js';
import type { IntegrationRecord } from './integration-record.js';

/** Which integrations are meant; all that the tenant can use, when neither is given. */
export interface IntegrationFilter {
  /** The integration's id. */
  readonly integration?: string | undefined;
  /** The integration of that id, or else all of that provider. */
  readonly provider?: string | undefined;
}

/** What a tenant can use: its own integrations, and the product's that it has none of the same id for. */
export const usableByTenant = (records: readonly IntegrationRecord[]): IntegrationRecord[] => {
  const own = new Set(
    records.filter(({ tenantId }) => tenantId !== null).map(({ integrationId }) => integrationId),
  );
  return records.filter(({ tenantId, integrationId }) => tenantId !== null || !own.has(integrationId));
};

/** Those that the filter means. */
export const selectIntegrations = (
  usable: readonly IntegrationRecord[],
  { integration, provider }: IntegrationFilter,
): IntegrationRecord[] => {
  if (integration !== undefined) {
    return usable.filter(
      (record) =>
        record.integrationId === integration && (provider === undefined || record.provider === provider),
    );
  }
  if (provider === undefined) return [...usable];
  const named = usable.filter(({ integrationId }) => integrationId === provider);
  return named.length > 0 ? named : usable.filter((record) => record.provider === provider);
};

/**
 * The one that is meant.
 * @throws Problem `integration_not_configured` when there is none, `connection_ambiguous` when there are several
 */
export const chooseIntegration = (
  selected: readonly IntegrationRecord[],
  { integration, provider }: IntegrationFilter,
): IntegrationRecord => {
  const [first, ...others] = selected;
  if (!first) {
    const id = integration ?? provider;
    throw new Problem(
      'integration_not_configured',
      id === undefined
        ? 'No integration is set up for this tenant: PUT /v1/integrations/{integrationId} first.'
        : `The integration ${id} is not set up for this tenant: PUT /v1/integrations/${encodeURIComponent(id)} first.`,
    );
  }
  if (others.length > 0) {
    const ids = selected.map(({ integrationId }) => integrationId).join(', ');
    throw new Problem(
      'connection_ambiguous',
      `Several integrations fit: name one of them as integration (${ids}).`,
    );
  }
  return first;
};
