import { expect, it } from '@jest/globals';
import { toCredential } from '../src/credentials/to-wire.js';

it('a webhook secret goes out without a header, and its token type says that it is sent to nobody', () => {
  const served = toCredential(
    {
      ...{ version: 1, expiresAt: null, refreshAt: null, leaseUntil: null },
      tokenType: 'Bearer',
      secrets: { kind: 'webhook_secret', webhookSecret: 'planted-secret' },
      connection: {
        ...{ id: 'conn_1', environment: 'test', tenantId: 'org_acme', provider: 'snyk' },
        ...{ authMethod: 'webhook_secret', kind: 'webhook_secret', status: 'unverified', reason: null },
        ...{ account: null, scopes: [], config: {} },
      },
    },
    { findProvider: () => undefined, allowLoopback: false },
  );
  expect(served).toMatchObject({ credential: 'planted-secret', tokenType: 'N_A', headers: {} });
});
