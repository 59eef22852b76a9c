import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type AuthpipeOptions, type CredentialRef } from '../src/index.js';
import { type EventStreamConnection, event } from './event-stream-connection.js';
import { API_KEY, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';
import { aMoment, until } from './until.js';

const REF: CredentialRef = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' };
const OTHER: CredentialRef = { connectionId: 'conn_2' };

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;

beforeEach(async () => {
  server = await HttpServer.start();
  server.answer = ({ query }) => ({ json: living({ connectionId: query.get('connectionId') ?? 'conn_1' }) });
  server.answerStream = () => 'stream';
  clock = new ManualClock();
  client = connect();
});

afterEach(async () => {
  client.close();
  await server.stop();
});

const connect = (options: Partial<AuthpipeOptions> = {}) =>
  new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, maxAgeSeconds: 60, ...options });

/** Lives for a day, so that only the age of the server's word matters. */
const living = (more: Parameters<typeof credential>[0] = {}) =>
  credential({ expiresAt: '2026-01-02T00:00:00.000Z', refreshAfter: '2026-01-01T23:00:00.000Z', ...more });

/** Has the first read open the stream, and the server begin. Its heartbeats are rare: tests move the clock in leaps. */
const openStream = async (): Promise<EventStreamConnection> => {
  await client.getCredential(OTHER);
  const stream = await server.streamOpened();
  stream.ready({ heartbeatSeconds: 100 });
  await until(() => client.freshness === 'stream');
  clock.advanceSeconds(1);
  server.requests.length = 0;
  return stream;
};

/** Moves the clock on by leaps, each with a heartbeat that has come in when the next begins. */
const passSeconds = async (seconds: number, stream: EventStreamConnection) => {
  for (let passed = 0; passed < seconds; passed += 100) {
    clock.advanceSeconds(Math.min(100, seconds - passed));
    stream.heartbeat();
    await until(() => client.getCredentialSync(REF) !== undefined);
  }
};

/** A second connection to the stream, opened by whatever ended the first. */
const reopened = async (resumed: boolean): Promise<EventStreamConnection> => {
  await until(() => client.freshness === 'max_age' && clock.sleepers === 1);
  clock.advanceSeconds(31);
  const stream = await server.streamOpened(2);
  stream.ready({ resumed, id: '2000', heartbeatSeconds: 100 });
  await until(() => client.freshness === 'stream');
  return stream;
};

describe('the event stream', () => {
  it('is opened by the first read, with the key, and never delays it', async () => {
    server.answerStream = () => 'hang';
    await aMoment();
    expect(server.streamRequests).toHaveLength(0);
    expect((await client.getCredential(REF)).credential).toBe('token-1');
    await until(() => server.streamRequests.length === 1);
    const [request] = server.streamRequests;
    expect(request?.headers).toMatchObject({
      authorization: `Bearer ${API_KEY}`,
      accept: 'text/event-stream',
    });
    expect(request?.headers['last-event-id']).toBeUndefined();
    expect(client.freshness).toBe('max_age');
  });

  it('is the mode that the client says it is in, from the server’s first word on', async () => {
    await client.getCredential(REF);
    const stream = await server.streamOpened();
    expect(client.freshness).toBe('max_age');
    stream.ready();
    await until(() => client.freshness === 'stream');
    expect(client.toJSON().freshness).toBe('stream');
  });

  it('is opened once, however much is read', async () => {
    await openStream();
    for (const connectionId of ['conn_3', 'conn_4', 'conn_5']) await client.getCredential({ connectionId });
    await aMoment();
    expect(server.streamRequests).toHaveLength(1);
  });

  it('is not opened with stream: false', async () => {
    client = connect({ stream: false });
    await client.getCredential(REF);
    await aMoment();
    expect(server.streamRequests).toHaveLength(0);
    expect(client.freshness).toBe('max_age');
  });

  it('goes through the fetch that was given', async () => {
    const urls: string[] = [];
    const given: typeof fetch = (input, init) => {
      urls.push(String(input));
      return fetch(input, init);
    };
    client = connect({ fetch: given });
    const stream = await openStream();
    stream.send(event('connection.deleted', { connectionId: 'conn_2' }));
    await until(() => client.toJSON().cachedCredentials === 0);
    expect(urls).toContain(`${server.url}/v1/events`);
  });

  it('is ended by close()', async () => {
    const stream = await openStream();
    client.close();
    await until(() => !stream.isOpen);
    await until(() => clock.sleepers === 0);
    expect(client.freshness).toBe('max_age');
  });

  it('is waited for with one timer, whatever is cached', async () => {
    await openStream();
    for (let index = 0; index < 50; index += 1) await client.getCredential({ connectionId: `conn_${index}` });
    expect(clock.sleepers).toBe(1);
  });
});

describe('what the stream confirms', () => {
  it('is not asked for again, however old it is', async () => {
    const stream = await openStream();
    await client.getCredential(REF);
    await passSeconds(3_500, stream);
    await client.getCredential(REF);
    expect(server.requests).toHaveLength(1);
  });

  it('is asked for once an hour all the same, as not everything has an event', async () => {
    const stream = await openStream();
    await client.getCredential(REF);
    await passSeconds(3_500, stream);
    expect(server.requests).toHaveLength(1);
    await passSeconds(101, stream);
    await until(() => server.requests.length === 2);
  });

  it('does not include what was read before the stream was there: that is asked for once again', async () => {
    await client.getCredential(REF);
    const stream = await server.streamOpened();
    stream.ready({ heartbeatSeconds: 100 });
    await until(() => client.freshness === 'stream');
    clock.advanceSeconds(55);
    stream.heartbeat();
    await aMoment();
    expect(client.getCredentialSync(REF)?.credential).toBe('token-1');
    await until(() => server.requests.length === 2);
    await aMoment();
    await passSeconds(600, stream);
    expect(server.requests).toHaveLength(2);
  });

  it('is fetched anew in the background once refreshAfter has come', async () => {
    server.answer = () => ({ json: living({ refreshAfter: '2026-01-01T00:10:00.000Z' }) });
    const stream = await openStream();
    await client.getCredential(REF);
    server.answer = () => ({ json: living({ credential: 'token-2', version: 2 }) });
    await passSeconds(601, stream);
    await until(() => client.getCredentialSync(REF)?.credential === 'token-2');
    expect(server.requests).toHaveLength(2);
  });

  it('is no longer than maxAgeSeconds after its last word, without anybody noticing that it broke', async () => {
    await openStream();
    await client.getCredential(REF);
    clock.advanceSeconds(60);
    expect(client.freshness).toBe('stream');
    server.answer = () => problem(409, 'needs_reconnect', { reason: 'revoked' });
    expect(client.getCredentialSync(REF)).toBeUndefined();
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'needs_reconnect' });
  });

  it('ends with a stream that is silent for three heartbeats, which is then opened again where it broke off', async () => {
    const stream = await openStream();
    stream.send(event('credential.refreshed', { connectionId: 'conn_9' }), '1234');
    await aMoment();
    clock.advanceSeconds(301);
    expect(client.freshness).toBe('max_age');
    await until(() => !stream.isOpen);
    await until(() => clock.sleepers === 1);
    clock.advanceSeconds(31);
    await server.streamOpened(2);
    expect(server.streamRequests[1]?.headers['last-event-id']).toBe('1234');
  });
});

describe('a stream that broke', () => {
  it('and was resumed confirms what it confirmed before, once it has told what was missed', async () => {
    const stream = await openStream();
    await client.getCredential(REF);
    stream.end();
    const next = await reopened(true);
    expect(server.streamRequests[1]?.headers['last-event-id']).toBe('1000');
    clock.advanceSeconds(60);
    next.send(event('credential.refreshed', { connectionId: 'conn_9' }));
    await aMoment();
    expect(client.getCredentialSync(REF)).toBeUndefined();
    next.heartbeat();
    await until(() => client.getCredentialSync(REF) !== undefined);
    expect(server.requests).toHaveLength(1);
  });

  it('and could not be resumed proves nothing of what was read before: it is asked for once again', async () => {
    const stream = await openStream();
    await client.getCredential(REF);
    stream.cut();
    const next = await reopened(false);
    clock.advanceSeconds(24);
    next.heartbeat();
    await aMoment();
    expect(client.getCredentialSync(REF)?.credential).toBe('token-1');
    await until(() => server.requests.length === 2);
    await aMoment();
    clock.advanceSeconds(61);
    next.heartbeat();
    await until(() => client.getCredentialSync(REF) !== undefined);
    expect(server.requests).toHaveLength(2);
  });

  it('tells what happened meanwhile', async () => {
    const stream = await openStream();
    await client.getCredential(REF);
    stream.cut();
    const next = await reopened(true);
    next.send(event('connection.deleted'), '1001');
    await until(() => client.toJSON().cachedCredentials === 1);
    expect(client.getCredentialSync(REF)).toBeUndefined();
  });

  it('is opened again after up to one second, then two, four, … thirty, left to chance', async () => {
    await client.getCredential(REF);
    for (let count = 1; count <= 8; count += 1) {
      const stream = await server.streamOpened(count);
      stream.cut();
      await until(() => clock.sleepers === 1 && !stream.isOpen);
      await aMoment();
      clock.advanceSeconds(30);
    }
    const pauses = clock.sleptInBackground.filter((_millis, turn) => turn % 2 === 1);
    const longest = [2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000];
    for (const [turn, pause] of pauses.entries()) expect(pause).toBeLessThanOrEqual(longest[turn] ?? 0);
    expect(new Set(pauses).size).toBeGreaterThan(1);
  });

  describe('after a long outage', () => {
    /** Fails until its pauses are long. */
    const outage = async (answerStream: HttpServer['answerStream'] = () => 'cut') => {
      await openStream();
      server.answerStream = answerStream;
      server.answer = () => 'cut';
      server.streams[0]?.cut();
      await until(() => client.freshness === 'max_age');
      for (let tries = 1; tries <= 6; tries += 1) {
        await aMoment();
        clock.advanceSeconds(30);
      }
      await aMoment();
    };
    const pausesOf = async (act: () => Promise<unknown>) => {
      const before = clock.sleptInBackground.length;
      await act();
      await aMoment();
      return clock.sleptInBackground.slice(before);
    };

    it('is opened within a second of the first call that is answered again, and says no old reason', async () => {
      await outage();
      expect(client.toJSON().streamError).toContain('No answer from');
      await expect(client.getConnection('conn_1')).rejects.toMatchObject({ code: 'server_unreachable' });
      server.answer = () => ({ json: { id: 'conn_1' } });
      server.answerStream = () => 'stream';
      const [pause = Number.NaN] = await pausesOf(() => client.getConnection('conn_1'));
      expect(pause).toBeLessThanOrEqual(1_000);
      expect(client.toJSON()).not.toHaveProperty('streamError');
      clock.advanceSeconds(1);
      (await server.streamOpened(2)).ready({ resumed: true });
      await until(() => client.freshness === 'stream');
    });

    it('is opened soon by a call that the server answers with an error, too', async () => {
      await outage();
      server.answer = () => problem(404, 'connection_not_found');
      expect(await pausesOf(() => client.getConnection('conn_9').catch(() => undefined))).toHaveLength(1);
    });

    it('is not opened with each call where it alone goes on failing', async () => {
      await outage();
      server.answer = () => ({ json: { id: 'conn_1' } });
      await client.getConnection('conn_1');
      await aMoment();
      const opened = server.streamRequests.length;
      clock.advanceSeconds(1);
      await until(() => server.streamRequests.length === opened + 1);
      await aMoment();
      for (let call = 0; call < 5; call += 1) {
        expect(await pausesOf(() => client.getConnection('conn_1'))).toEqual([]);
      }
    });

    it('is not opened before the time that the server asked for', async () => {
      const busy = { ...(problem(503, 'provider_unavailable') as object), headers: { 'retry-after': '25' } };
      await outage(() => busy);
      server.answer = () => ({ json: { id: 'conn_1' } });
      expect(await pausesOf(() => client.getConnection('conn_1'))).toEqual([]);
    });
  });

  it('waits as long as Retry-After says', async () => {
    server.answerStream = () => ({
      ...(problem(503, 'provider_unavailable') as object),
      headers: { 'retry-after': '90' },
    });
    await client.getCredential(REF);
    await until(() => clock.sleptInBackground.includes(90_000));
  });

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not_found'],
  ])(
    'is left alone for five minutes when the server refuses it with %i, and says why',
    async (status, code) => {
      const errors: unknown[] = [];
      server.answerStream = () => problem(status, code);
      client = connect({ hooks: { error: ({ operation, error }) => errors.push([operation, error.code]) } });
      await client.getCredential(REF);
      await until(() => errors.length === 1);
      expect(errors).toEqual([['stream', code]]);
      expect(client.toJSON()).toMatchObject({ freshness: 'max_age', streamError: `This is ${code}.` });
      clock.advanceSeconds(260);
      await aMoment();
      expect(server.streamRequests).toHaveLength(1);
      server.answerStream = () => 'stream';
      clock.advanceSeconds(71);
      (await server.streamOpened()).ready();
      await until(() => client.freshness === 'stream');
      expect(client.toJSON()).not.toHaveProperty('streamError');
      expect((await client.getCredential(REF)).credential).toBe('token-1');
    },
  );

  it.each([
    [
      'a page of something between',
      () => ({ text: '<html>Welcome</html>', headers: { 'content-type': 'text/html' } }),
    ],
    ['a redirect', () => ({ status: 302, headers: { location: 'https://elsewhere.example.com/' } })],
  ])('is not mistaken for %s', async (_name, answer) => {
    server.answerStream = answer;
    await client.getCredential(REF);
    await until(() => client.toJSON().streamError !== undefined);
    expect(client.toJSON().streamError).toContain('baseUrl');
  });

  it.each([
    ['is not JSON', 'data: {"type":\n\n'],
    ['lacks what matters', 'data: {"type":"connection.deleted"}\n\n'],
    ['never ends', `data: ${'x'.repeat(300_000)}`],
  ])('because an event %s begins anew, as what it told is lost', async (_name, text) => {
    const stream = await openStream();
    stream.write(text);
    await until(() => !stream.isOpen);
    await until(() => clock.sleepers === 1);
    clock.advanceSeconds(331);
    await server.streamOpened(2);
    expect(server.streamRequests[1]?.headers['last-event-id']).toBeUndefined();
  });
});

describe('an event', () => {
  let stream: EventStreamConnection;
  let release = () => {};

  beforeEach(async () => {
    stream = await openStream();
    await client.getCredential(REF);
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = async () => {
      await held;
      return { json: living({ credential: 'token-2', version: 2 }) };
    };
  });

  it.each([
    'credential.refreshed',
    'connection.created',
    'connection.recovered',
    'connection.updated',
  ] as const)(
    '%s with a newer version fetches it once, in the background, while reads get the old one',
    async (type) => {
      stream.send(event(type, { version: 2 }));
      await until(() => server.requests.length === 2);
      for (let read = 0; read < 10; read += 1)
        expect((await client.getCredential(REF)).credential).toBe('token-1');
      release();
      await until(() => client.getCredentialSync(REF)?.credential === 'token-2');
      expect(server.requests).toHaveLength(2);
    },
  );

  it('of a changed status fetches the credential that tells it', async () => {
    server.answer = () => ({ json: living({ status: 'degraded', reason: 'provider_down' }) });
    stream.send(event('connection.degraded', { status: 'degraded', reason: 'provider_down' }));
    await until(() => client.getCredentialSync(REF)?.status === 'degraded');
    expect(server.requests).toHaveLength(2);
  });

  it('whose token ended the previous one evicts at once: reads wait for the new one', async () => {
    stream.send(event('credential.refreshed', { version: 2, invalidatesPrevious: true }));
    await until(() => client.toJSON().cachedCredentials === 1);
    expect(client.getCredentialSync(REF)).toBeUndefined();
    release();
    expect((await client.getCredential(REF)).credential).toBe('token-2');
  });

  it('connection.deleted evicts at once', async () => {
    server.answer = () => problem(404, 'connection_not_found');
    stream.send(event('connection.deleted'));
    await until(() => client.toJSON().cachedCredentials === 1);
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'connection_not_found' });
  });

  it.each(['revoked', 'user_deactivated'] as const)(
    'connection.needs_reconnect evicts at once: %s',
    async (reason) => {
      server.answer = () => problem(409, 'needs_reconnect', { reason });
      stream.send(event('connection.needs_reconnect', { status: 'needs_reconnect', reason }));
      await until(() => client.toJSON().cachedCredentials === 1);
      await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'needs_reconnect', reason });
    },
  );

  it.each(['refresh_token_expired', 'rotation_lost'] as const)(
    'connection.needs_reconnect leaves the living token in service and fetches its status: %s',
    async (reason) => {
      server.answer = () => ({ json: living({ status: 'needs_reconnect', reason }) });
      stream.send(event('connection.needs_reconnect', { status: 'needs_reconnect', reason }));
      await until(() => client.getCredentialSync(REF)?.status === 'needs_reconnect');
      expect(client.getCredentialSync(REF)?.credential).toBe('token-1');
    },
  );

  it.each([
    ['of an older version', event('connection.needs_reconnect', { version: 0, reason: 'revoked' })],
    ['that is known already', event('credential.refreshed', { version: 1, invalidatesPrevious: true })],
    ['of an integration', event('integration.degraded', { connectionId: null, version: null })],
    ['of its recovery', event('integration.recovered', { connectionId: null, version: null })],
    [
      'of a connection that is not held',
      event('credential.refreshed', { connectionId: 'conn_9', version: 7 }),
    ],
  ])('%s changes nothing', async (_name, sent) => {
    stream.send(sent);
    await aMoment();
    expect(client.getCredentialSync(REF)?.credential).toBe('token-1');
    expect(client.toJSON().cachedCredentials).toBe(2);
    expect(server.requests).toHaveLength(1);
  });

  it('of a type from the future is acted on by its version', async () => {
    release();
    stream.send(event('credential.improved' as 'credential.refreshed', { version: 2 }));
    await until(() => client.getCredentialSync(REF)?.credential === 'token-2');
  });

  it('is not confirmed away by the stream while its fetch fails', async () => {
    server.answer = () => 'cut';
    stream.send(event('credential.refreshed', { version: 2 }));
    await until(() => server.requests.length === 2);
    await aMoment();
    server.answer = () => ({ json: living({ credential: 'token-2', version: 2 }) });
    clock.advanceSeconds(6);
    stream.heartbeat();
    await aMoment();
    expect(client.getCredentialSync(REF)?.credential).toBe('token-1');
    await until(() => client.getCredentialSync(REF)?.credential === 'token-2');
  });

  it('that comes while an older answer is on its way keeps it out of the cache', async () => {
    const late: CredentialRef = { connectionId: 'conn_3' };
    server.answer = async () => {
      stream.send(event('credential.refreshed', { connectionId: 'conn_3', version: 2 }));
      // A second one whose effect can be seen, to know that the first has come in.
      stream.send(event('connection.deleted', { connectionId: 'conn_2' }));
      await until(() => client.toJSON().cachedCredentials === 1);
      return { json: living({ connectionId: 'conn_3' }) };
    };
    expect((await client.getCredential(late)).version).toBe(1);
    expect(client.getCredentialSync(late)).toBeUndefined();
  });

  it('that comes while the answer that knows it is on its way does not', async () => {
    const late: CredentialRef = { connectionId: 'conn_3' };
    server.answer = async () => {
      stream.send(event('credential.refreshed', { connectionId: 'conn_3', version: 2 }));
      stream.send(event('connection.deleted', { connectionId: 'conn_2' }));
      await until(() => client.toJSON().cachedCredentials === 1);
      return { json: living({ connectionId: 'conn_3', version: 2 }) };
    };
    await client.getCredential(late);
    expect(client.getCredentialSync(late)?.version).toBe(2);
  });

  it('of a deletion keeps out even what is on its way', async () => {
    const late: CredentialRef = { connectionId: 'conn_3' };
    server.answer = async () => {
      stream.send(event('connection.deleted', { connectionId: 'conn_3' }));
      stream.send(event('connection.deleted', { connectionId: 'conn_2' }));
      await until(() => client.toJSON().cachedCredentials === 1);
      return { json: living({ connectionId: 'conn_3', version: 5 }) };
    };
    await client.getCredential(late);
    expect(client.getCredentialSync(late)).toBeUndefined();
  });

  it('of a new connection that makes a provider ambiguous has its readers ask the server', async () => {
    server.answer = () => problem(409, 'connection_ambiguous');
    stream.send(event('connection.created', { connectionId: 'conn_7', integration: 'okta-eu' }));
    await until(() => client.getCredentialSync(REF) === undefined);
    await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'connection_ambiguous' });
    expect(client.getCredentialSync({ connectionId: 'conn_1' })?.credential).toBe('token-1');
  });

  it('leaves alone what nobody has read since the last one: its next read has it fetched', async () => {
    release();
    stream.send(event('credential.refreshed', { version: 2 }));
    await until(() => server.requests.length === 2);
    await aMoment();
    for (const version of [3, 4]) stream.send(event('credential.refreshed', { version }));
    await aMoment();
    clock.advanceSeconds(2);
    await aMoment();
    expect(server.requests).toHaveLength(2);
    server.answer = () => ({ json: living({ credential: 'token-4', version: 4 }) });
    expect(client.getCredentialSync(REF)?.credential).toBe('token-2');
    await until(() => client.getCredentialSync(REF)?.credential === 'token-4');
    expect(server.requests).toHaveLength(3);
  });

  it('has it fetched again where it was read since the last one', async () => {
    release();
    stream.send(event('credential.refreshed', { version: 2 }));
    await until(() => server.requests.length === 2);
    await until(() => client.getCredentialSync(REF)?.credential === 'token-2');
    server.answer = () => ({ json: living({ credential: 'token-3', version: 3 }) });
    stream.send(event('credential.refreshed', { version: 3 }));
    await until(() => server.requests.length === 3);
    await until(() => client.getCredentialSync(REF)?.credential === 'token-3');
  });

  it('and more of them in one piece are fetched with one request', async () => {
    release();
    const both = [
      event('credential.refreshed', { version: 2 }),
      event('credential.refreshed', { connectionId: 'conn_2', version: 2 }),
    ];
    stream.write(both.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(''));
    await until(() => server.requests.length === 2);
    expect(server.requests[1]?.path).toBe('/v1/credentials/batch');
    expect(server.requests[1]?.body).toEqual({
      credentials: [{ connectionId: 'conn_1' }, { connectionId: 'conn_2' }],
    });
  });
});
