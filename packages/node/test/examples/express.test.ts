import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createApp } from '../../examples/express/app.js';
import { createStage, ref, type Stage } from './stage.js';

let stage: Stage;
let server: Server;
let url: string;
let asked: unknown[];
beforeEach(async () => {
  stage = createStage();
  asked = [];
  const app = createApp(stage.authpipe, {
    signedIn: () => ({ tenantId: ref.tenantId, userId: ref.userId }),
    pagesOrigin: 'https://app.example.com',
    webhookSecret: stage.testing.webhookSecret,
    askToReconnect: (...whom) => asked.push(whom),
  });
  server = await new Promise((resolve) => {
    const listening: Server = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  stage.authpipe.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('the Express example', () => {
  it('offers to connect, then shows people, then offers to reconnect', async () => {
    const before = await fetch(`${url}/people`);
    expect([before.status, await before.json()]).toEqual([409, { connect: true, connectionId: null }]);

    const session = await (await fetch(`${url}/connect-session`, { method: 'POST' })).json();
    expect(session).toEqual({ token: expect.stringMatching(/^aps_/) });
    await stage.testing.completeSession('sess_test_1', { provider: 'okta' });
    expect(await (await fetch(`${url}/people`)).json()).toHaveLength(2);

    await stage.testing.needsReconnect(ref);
    const after = await fetch(`${url}/people`);
    expect([after.status, await after.json()]).toEqual([409, { connect: true, connectionId: 'conn_test_1' }]);
  });

  it('takes webhooks of Authpipe only', async () => {
    await stage.testing.connect(ref);
    const webhook = stage.testing.signWebhook(stage.testing.event('connection.needs_reconnect', ref));
    const post = (body: string) =>
      fetch(`${url}/webhooks/authpipe`, { method: 'POST', headers: webhook.headers, body });
    expect((await post(webhook.body)).status).toBe(204);
    expect(asked).toEqual([['org_acme', 'user_123']]);
    const forged = await post(webhook.body.replace('user_123', 'user_666'));
    expect([forged.status, await forged.json()]).toEqual([400, { reason: 'signature_mismatch' }]);
    expect(asked).toHaveLength(1);
  });

  it('asks to come again while Authpipe is away', async () => {
    await stage.testing.outage(true);
    const answer = await fetch(`${url}/people`);
    expect([answer.status, await answer.json()]).toEqual([
      503,
      { code: 'server_unreachable', requestId: null },
    ]);
  });
});
