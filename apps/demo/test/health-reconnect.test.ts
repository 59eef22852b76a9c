import type { AuthpipeEvent, CreatedConnectSession } from '@authpipe/types';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser } from '../src/walk/index.js';
import { ADA, connect, signInAndAllow } from './support/connecting.js';
import { type RunningDemo, startDemo } from './support/running-demo.js';

/** The events of one stream, one after the other. */
async function* eventsOf(demo: RunningDemo, signal: AbortSignal): AsyncGenerator<AuthpipeEvent> {
  const response = await fetch(`${demo.server.url}/v1/events`, {
    headers: { Authorization: `Bearer ${demo.settings.apiKey}` },
    signal,
  });
  let text = '';
  for await (const part of response.body ?? []) {
    text += Buffer.from(part).toString('utf8');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, data] = /^data: (.*)$/m.exec(block) ?? [];
      if (data && /^event: (connection|credential|integration)\./m.test(block)) yield JSON.parse(data);
    }
  }
}

describe('From an event that asks for a reconnect to the connection that is well again', () => {
  let demo: RunningDemo;

  beforeAll(async () => {
    demo = await startDemo({ probeIntervalSeconds: 2 });
  });
  afterAll(() => demo?.close());

  test('the event has all that a link takes, and the link’s way ends with the same connection', async () => {
    const connectionId = await connect(demo, ADA, { userId: 'user_event', label: 'work' });
    const over = new AbortController();
    const events = eventsOf(demo, over.signal);
    const next = async (type: AuthpipeEvent['type']): Promise<AuthpipeEvent> => {
      for (;;) {
        const { value, done } = await events.next();
        if (done || !value) throw new Error(`The stream ended before ${type}.`);
        if (value.type === type && value.connectionId === connectionId) return value;
      }
    };
    demo.org.control.revokeGrants({ user: ADA });

    const event = await next('connection.needs_reconnect');
    expect(event).toMatchObject({
      ...{ connectionId, tenantId: 'org_acme', owner: 'user', userId: 'user_event', label: 'work' },
      ...{ provider: 'okta', integration: 'okta', status: 'needs_reconnect', reason: 'revoked' },
    });

    // Nothing but the event, as an app's webhook or worker has it.
    const response = await fetch(`${demo.server.url}/v1/connect-sessions`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${demo.settings.apiKey}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({
        tenantId: event.tenantId,
        userId: event.userId,
        connectionId: event.connectionId,
      }),
    });
    expect(response.status).toBe(201);
    const { url } = (await response.json()) as CreatedConnectSession;

    const hosted = await (await createBrowser().open(url)).submit({ button: 'Continue' });
    expect((await signInAndAllow(hosted)).text).toContain('Connected');
    expect(await next('connection.recovered')).toMatchObject({
      status: 'healthy',
      reason: null,
      label: 'work',
    });
    over.abort();
    const { credential, baseUrl } = await demo.authpipe.getCredential({ connectionId });
    const answer = await fetch(`${baseUrl}/api/v1/users/me`, {
      headers: { Authorization: `Bearer ${credential}` },
    });
    expect(answer.status).toBe(200);
  });
});
