import { expect, it } from '@jest/globals';
import type { CatalogueProviderId, ConnectionFilter, CredentialRef, ProviderId } from '../src/index.js';

/** What an editor offers of a field: the members of its union that are texts of their own. */
type Offered<Provider> = Provider extends string ? (string extends Provider ? never : Provider) : never;
/** Compiles only where both are the same. */
type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;

it('the ids of the catalogue autocomplete, and any other id is taken', () => {
  const offered: Same<CatalogueProviderId, Offered<ProviderId>> = true;
  const inRefs: Same<CatalogueProviderId, Offered<CredentialRef['provider']>> = true;
  const inFilters: Same<CatalogueProviderId, Offered<ConnectionFilter['provider']>> = true;
  const other: CredentialRef = { provider: 'a-provider-of-tomorrow', tenantId: 'org_acme', owner: 'tenant' };
  expect([offered, inRefs, inFilters, other.provider]).toEqual([true, true, true, 'a-provider-of-tomorrow']);
});
