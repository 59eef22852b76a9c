import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authpipe } from '@authpipe/node';
import { providers } from '@authpipe/providers';
import { webhookScheme } from '@authpipe/types';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '../src/free-port.js';
import { type ServerProcess, startServerProcess } from './support/server-process.js';

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
  const dataDir = mkdtempSync(join(tmpdir(), 'authpipe-e2e-'));
  let server: ServerProcess;
  let authpipe: Authpipe;
  beforeAll(async () => {
    const port = await freePort();
    const apiKey = `ap_test_${randomBytes(32).toString('base64url')}`;
    server = await startServerProcess({
      port,
      publicUrl: `http://localhost:${port}`,
      dataDir,
      apiKey,
      rootKey: randomBytes(32).toString('base64'),
      databaseUrl: undefined,
      probeIntervalSeconds: 3600,
    });
    authpipe = new Authpipe({ apiKey, baseUrl: server.url });
  });
  afterAll(async () => {
    authpipe?.close();
    await server?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('the catalogue gives each scheme as clients read it, and none for the others', async () => {
    for (const { id, webhooks } of providers) {
      const answer = await fetch(`${server.url}/v1/providers/${id}`);
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
      const connection = await authpipe.importConnection({
        ...ref,
        config,
        credential: { webhookSecret },
      });
      expect(connection).toMatchObject({ kind: 'webhook_secret', provider, label });
      const webhook = { headers: headers(webhookSecret), body: BODY };
      expect(await authpipe.verifyProviderWebhook(ref, webhook)).toEqual(JSON.parse(BODY));
      expect(await authpipe.verifyProviderWebhook({ connectionId: connection.id }, webhook)).toEqual(
        JSON.parse(BODY),
      );
      const forged = { ...webhook, headers: headers('forged') };
      await expect(authpipe.verifyProviderWebhook(ref, forged)).rejects.toMatchObject({
        code: 'webhook_invalid',
        reason: 'signature_mismatch',
        connectionId: connection.id,
      });
    },
  );

  test('a named secret of a connection checks them too, also after it is changed', async () => {
    const { provider, headers, config } = SENDERS[2];
    const ref = { provider, ...OWNER, label: 'named' };
    const [first, next] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
    const credential = { webhookSecret: randomBytes(24).toString('hex') };
    const { id: connectionId } = await authpipe.importConnection({ ...ref, config, credential });
    const verify = (secret: string) =>
      authpipe.verifyProviderWebhook(ref, {
        headers: headers(secret),
        body: BODY,
        secretName: 'webhook',
      });
    await expect(verify(first)).rejects.toMatchObject({ code: 'not_found' });
    await authpipe.putSecret(connectionId, 'webhook', first);
    expect(await verify(first)).toEqual(JSON.parse(BODY));
    await authpipe.putSecret(connectionId, 'webhook', next);
    expect(await verify(next)).toEqual(JSON.parse(BODY));
    await expect(verify(first)).rejects.toMatchObject({ code: 'webhook_invalid' });
  });
});
