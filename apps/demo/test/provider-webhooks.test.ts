import { createHmac, randomBytes } from 'node:crypto';
import { providers } from '@authpipe/providers';
import { webhookScheme } from '@authpipe/types';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningDemo, startDemo } from './support/running-demo.js';

const BODY = '{"eventType":"user.deactivated","by":"Zoë 日本"}';
const OWNER = { tenantId: 'org_acme', owner: 'tenant' } as const;

/** A connection at each provider whose webhooks can be checked, and a webhook as its documentation describes it. */
const SENDERS = [
  {
    provider: 'okta',
    config: { domain: 'acme.okta.com' },
    headers: (secret: string) => ({ authorization: secret }),
  },
  {
    provider: 'auth0',
    config: { domain: 'acme.eu.auth0.com' },
    headers: (secret: string) => ({ authorization: secret }),
  },
  {
    provider: 'snyk',
    config: { region: 'eu.snyk.io' },
    headers: (secret: string) => ({
      'x-hub-signature': `sha256=${createHmac('sha256', secret).update(BODY).digest('hex')}`,
      'x-snyk-event': 'project_snapshot/v0',
    }),
  },
] as const;

describe('Webhooks of providers, with secrets that a running server keeps', () => {
  let demo: RunningDemo;
  beforeAll(async () => {
    demo = await startDemo();
  });
  afterAll(() => demo?.close());

  test('the catalogue gives each scheme as clients read it, and none for the others', async () => {
    for (const { id, webhooks } of providers) {
      const answer = await fetch(`${demo.server.url}/v1/providers/${id}`);
      const told = ((await answer.json()) as { webhooks?: unknown }).webhooks;
      expect(told).toEqual(webhooks);
      if (webhooks !== undefined) expect(webhookScheme.parse(told)).toEqual(webhooks);
    }
    expect(SENDERS.map(({ provider }) => provider).sort()).toEqual(
      providers.flatMap(({ id, webhooks }) => (webhooks === undefined ? [] : [id])).sort(),
    );
  });

  test.each(SENDERS)(
    'an imported webhook secret of $provider checks its webhooks',
    async ({ provider, config, headers }) => {
      const webhookSecret = randomBytes(24).toString('hex');
      const label = 'webhook';
      const ref = { provider, ...OWNER, label };
      const connection = await demo.authpipe.importConnection({
        ...ref,
        config,
        credential: { webhookSecret },
      });
      expect(connection).toMatchObject({ kind: 'webhook_secret', provider, label });
      const webhook = { headers: headers(webhookSecret), body: BODY };
      expect(await demo.authpipe.verifyProviderWebhook(ref, webhook)).toEqual(JSON.parse(BODY));
      expect(await demo.authpipe.verifyProviderWebhook({ connectionId: connection.id }, webhook)).toEqual(
        JSON.parse(BODY),
      );
      const forged = { ...webhook, headers: headers('forged') };
      await expect(demo.authpipe.verifyProviderWebhook(ref, forged)).rejects.toMatchObject({
        code: 'webhook_invalid',
        reason: 'signature_mismatch',
        connectionId: connection.id,
      });
    },
  );

  test('a named secret beside an API credential checks them too, also after it is changed', async () => {
    const { provider, headers } = SENDERS[2];
    const ref = { provider, ...OWNER, label: 'webhook' };
    const [first, next] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
    const { connectionId } = await demo.authpipe.getCredential(ref);
    const verify = (secret: string) =>
      demo.authpipe.verifyProviderWebhook(ref, {
        headers: headers(secret),
        body: BODY,
        secretName: 'webhook',
      });
    await expect(verify(first)).rejects.toMatchObject({ code: 'not_found' });
    await demo.authpipe.putSecret(connectionId, 'webhook', first);
    expect(await verify(first)).toEqual(JSON.parse(BODY));
    await demo.authpipe.putSecret(connectionId, 'webhook', next);
    expect(await verify(next)).toEqual(JSON.parse(BODY));
    await expect(verify(first)).rejects.toMatchObject({ code: 'webhook_invalid' });
  });
});
