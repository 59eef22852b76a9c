import { Authpipe } from '@authpipe/node';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '../src/free-port.js';
import { connect, eventually } from './support/connecting.js';
import { describeDemoOnPostgres } from './support/engines.js';
import type { RunningDemo } from './support/running-demo.js';
import { runAuthpipe, type ServerProcess, startServerProcess } from './support/server-process.js';

/** A refresh is due a fifth of this before the end, and swept for every 5 s. */
const TOKEN_SECONDS = 10;
const REFRESHES = 2;
/** CONTRACT: a revoked key is refused on every replica within this time. */
const REVOCATION_SECONDS = 5;

describeDemoOnPostgres('Two servers on one database', (start) => {
  let demo: RunningDemo;
  let second: ServerProcess;

  beforeAll(async () => {
    demo = await start({ accessTokenLifetimeSeconds: TOKEN_SECONDS });
    second = await startServerProcess({ ...demo.settings, port: await freePort() });
  });
  afterAll(async () => {
    await second?.stop();
    await demo?.close();
  });

  test('refresh each token once when it is due, and both answer with the new one', async () => {
    const connectionId = await connect(demo);
    demo.org.control.resetCounters();
    const { version: first } = await demo.authpipe.getConnection(connectionId);
    const version = await eventually(
      async () => {
        const connection = await demo.authpipe.getConnection(connectionId);
        return connection.version >= first + REFRESHES ? connection.version : null;
      },
      { seconds: 50 },
    );
    const { refreshRequests, familyRevocations } = demo.org.control.counters();
    expect(refreshRequests).toBe(version - first);
    expect(familyRevocations).toBe(0);

    const answers = await Promise.all(
      [demo.server.url, second.url].map(async (baseUrl) => {
        using client = new Authpipe({ apiKey: demo.settings.apiKey, baseUrl });
        return await client.getCredential({ connectionId });
      }),
    );
    expect(new Set(answers.map(({ credential }) => credential)).size).toBe(1);
    await demo.authpipe.deleteConnection(connectionId);
  });

  test('tell a client of the second what happened at the first, at once', async () => {
    const connectionId = await connect(demo);
    // Without the push it would take an hour to see anything.
    using client = new Authpipe({
      ...{ apiKey: demo.settings.apiKey, baseUrl: second.url, maxAgeSeconds: 3_600 },
    });
    const held = () => client.getCredential({ connectionId });
    await held();
    await eventually(async () => (client.freshness === 'stream' ? true : null), { seconds: 20 });
    const { version } = await held();
    await demo.authpipe.refreshConnection(connectionId);
    await eventually(async () => ((await held()).version > version ? true : null), { seconds: 5 });
    await demo.authpipe.deleteConnection(connectionId);
    await eventually(
      () =>
        held().then(
          () => null,
          ({ code }) => code === 'connection_not_found',
        ),
      {
        seconds: 5,
      },
    );
  });

  test('refuse a key that was revoked, both within five seconds', async () => {
    const created = await runAuthpipe(demo.settings, 'keys', 'create', '--name', 'short-lived');
    const [, apiKey = ''] = /^(ap_test_\S+)$/m.exec(created) ?? [];
    const [, keyId = ''] = /keys revoke (\S+)/.exec(created) ?? [];
    const statuses = () =>
      Promise.all(
        [demo.server.url, second.url].map(async (url) => {
          const headers = { Authorization: `Bearer ${apiKey}` };
          return (await fetch(`${url}/v1/connections`, { headers })).status;
        }),
      );
    // Both have it in their caches now.
    expect(await statuses()).toEqual([200, 200]);
    await runAuthpipe(demo.settings, 'keys', 'revoke', keyId);
    await eventually(async () => ((await statuses()).every((status) => status === 401) ? true : null), {
      seconds: REVOCATION_SECONDS,
    });
  });
});
