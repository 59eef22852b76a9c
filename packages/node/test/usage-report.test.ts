import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type AuthpipeOptions } from '../src/index.js';
import { UsageSums } from '../src/usage-sums.js';
import { API_KEY, credential, HttpServer } from './http-server.js';
import { ManualClock } from './manual-clock.js';
import { until } from './until.js';

const REF = { provider: 'okta', tenantId: 'org_acme', userId: 'user_1' };

describe('the report of what was served from memory', () => {
  let server: HttpServer;
  let clock: ManualClock;
  const clients: Authpipe[] = [];
  beforeEach(async () => {
    server = await HttpServer.start();
    clock = new ManualClock();
    server.answer = ({ path }) => (path === '/v1/usage' ? { status: 204 } : { json: credential() });
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await server.stop();
  });

  const open = (options: Partial<AuthpipeOptions> = {}) => {
    const client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, stream: false, ...options });
    clients.push(client);
    return client;
  };
  const sums = () => server.requests.map(({ headers }) => headers['authpipe-uses']);

  it('goes along with the next call, as a sum for each connection', async () => {
    const client = open();
    await client.getCredential(REF);
    for (let count = 0; count < 3; count += 1) await client.getCredential(REF);
    client.getCredentialSync(REF);
    expect(server.requests).toHaveLength(1);
    await client.getConnection('conn_1');
    await client.getConnection('conn_1');
    expect(sums()).toEqual([undefined, 'conn_1=4', undefined]);
  });

  it('names the client, each by another id', async () => {
    for (const client of [open(), open()]) {
      await client.getConnection('conn_1');
      await client.getConnection('conn_1');
    }
    const ids = server.requests.map(({ headers }) => headers['authpipe-instance']);
    expect(ids[0]).toMatch(/^inst_[0-9a-f-]{36}$/);
    expect(ids).toEqual([ids[0], ids[0], ids[2], ids[2]]);
    expect(ids[2]).not.toBe(ids[0]);
  });

  it('is kept when the call that takes it along does not arrive', async () => {
    const client = open();
    await client.getCredential(REF);
    await client.getCredential(REF);
    server.answer = () => 'cut';
    await expect(client.refreshConnection('conn_1')).rejects.toThrow();
    server.answer = () => ({ json: {} });
    await client.getConnection('conn_1').catch(() => undefined);
    expect(sums().at(-1)).toBe('conn_1=1');
  });

  it.each([
    [401, { code: 'unauthorized' }],
    [502, '<h1>Bad Gateway</h1>'],
    [503, '<h1>Service Unavailable</h1>'],
    [504, ''],
  ])('is kept when the server did not take it: status %d', async (status, said) => {
    const client = open();
    await client.getCredential(REF);
    await client.getCredential(REF);
    server.answer = () => ({ status, ...(typeof said === 'string' ? { text: said } : { json: said }) });
    await expect(client.refreshConnection('conn_1')).rejects.toThrow();
    server.answer = () => ({ json: {} });
    await client.getConnection('conn_1').catch(() => undefined);
    expect(sums().at(-1)).toBe('conn_1=1');
  });

  it.each([
    [502, 'provider_error'],
    [503, 'provider_unavailable'],
  ])(
    'is told once when the server took it, and its answer is about a provider: status %d',
    async (status, code) => {
      const client = open();
      await client.getCredential(REF);
      await client.getCredential(REF);
      server.answer = () => ({ status, json: { code, status } });
      await expect(client.refreshConnection('conn_1')).rejects.toMatchObject({ code });
      server.answer = () => ({ json: {} });
      await client.getConnection('conn_1').catch(() => undefined);
      expect(sums()).toEqual([undefined, 'conn_1=1', undefined]);
    },
  );

  it('goes along with the question that every credential is asked anew after an hour, stream or not', async () => {
    const expiresAt = '2027-01-01T00:00:00.000Z';
    server.answerStream = () => 'stream';
    server.answer = () => ({ json: credential({ expiresAt, refreshAfter: null }) });
    const client = open({ stream: true });
    await client.getCredential(REF);
    const stream = await server.streamOpened();
    stream.ready({ heartbeatSeconds: 100 });
    await until(() => client.freshness === 'stream');
    // What was read before the stream was there is asked for once again.
    clock.advanceSeconds(61);
    await client.getCredential(REF);
    for (let reads = 0; reads < 37; reads += 1) {
      clock.advanceSeconds(100);
      stream.heartbeat();
      await until(() => client.getCredentialSync(REF) !== undefined);
    }
    await until(() => server.requests.length === 3);
    expect(sums()).toEqual([undefined, undefined, expect.stringMatching(/^conn_1=3\d$/)]);
  });

  it('tells also of what is held no more, and holds nothing of it but the sum', () => {
    const sums = new UsageSums();
    const [gone, held] = [
      { connectionId: 'conn_gone', uses: 0 },
      { connectionId: 'conn_held', uses: 0 },
    ];
    for (const used of [gone, held, gone]) sums.add(used);
    sums.settle(gone);
    expect(gone.uses).toBe(0);
    expect(sums.take()?.text).toBe('conn_gone=2, conn_held=1');
    expect(sums.take()).toBeUndefined();
    sums.add(held);
    expect(sums.take()?.text).toBe('conn_held=1');
  });

  it('is not made where it is switched off', async () => {
    const client = open({ reportUsage: false });
    await client.getCredential(REF);
    await client.getCredential(REF);
    await client.getConnection('conn_1');
    expect(sums()).toEqual([undefined, undefined]);
    expect(() => open({ reportUsage: 'no' as never })).toThrow('reportUsage must be true or false.');
  });
});
