import { providers } from '@authpipe/providers';
import { expect, it } from '@jest/globals';
import type { CatalogueProviderId, ProviderId } from '../src/index.js';

/** The compiler refuses this object when it lacks a member of the union or has another one. */
const NAMED: Record<CatalogueProviderId, true> = {
  auth0: true,
  crowdstrike: true,
  jumpcloud: true,
  okta: true,
  snyk: true,
};

it('the ids that autocomplete are those of the catalogue', () => {
  expect(Object.keys(NAMED).sort()).toEqual(providers.map(({ id }) => id).sort());
});

it('another id is taken too: a server may know more providers than this release', () => {
  const other: ProviderId = 'a-provider-of-tomorrow';
  expect(Object.keys(NAMED)).not.toContain(other);
});
