import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpTransport } from '../src/http-transport.js';
import { Authpipe, type AuthpipeError, type CredentialRef } from '../src/index.js';
import { checkOptions } from '../src/options.js';
import { type Answer, API_KEY, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';
import { until } from './until.js';

let server: HttpServer;
let clock: ManualClock;
let transport: HttpTransport;

beforeEach(async () => {
  server = await HttpServer.start();
  clock = new ManualClock();
  // The longest pauses: each is half as long, and as much more as chance says.
  const options = checkOptions({ apiKey: API_KEY, baseUrl: server.url, clock, timeoutMillis: 200 });
  transport = new HttpTransport(options, () => 1);
});

afterEach(async () => {
  transport.close();
  await server.stop();
});

const send = () => transport.send({ method: 'GET', path: '/things', attempts: 1 });
const codeOf = (error: AuthpipeError) => error.code;
const failTimes = async (times: number) => {
  for (let time = 0; time < times; time += 1) await send().catch(codeOf);
};

describe('after five answers in a row that never came', () => {
  it.each<[string, Answer]>([
    ['cut connections', 'cut'],
    ['timeouts', 'hang'],
    ['a gateway’s 502 pages', { status: 502, text: '<html>Bad Gateway</html>' }],
  ])('calls fail at once, and say when to try again: %s', async (_name, answer) => {
    server.answer = () => answer;
    await failTimes(5);
    await expect(send()).rejects.toMatchObject({
      name: 'AuthpipeError',
      code: 'server_unreachable',
      retryable: true,
      retryAfterSeconds: 1,
    });
    expect(server.requests).toHaveLength(5);
  });

  it('calls are not tried again by themselves', async () => {
    server.answer = () => 'cut';
    await failTimes(5);
    await expect(transport.send({ method: 'GET', path: '/things', attempts: 3 })).rejects.toMatchObject({
      code: 'server_unreachable',
    });
    expect(clock.slept).toEqual([]);
    expect(server.requests).toHaveLength(5);
  });

  it('calls of every kind fail at once', async () => {
    server.answer = () => 'cut';
    await failTimes(5);
    await expect(transport.send({ method: 'POST', path: '/things', body: {} })).rejects.toMatchObject({
      code: 'server_unreachable',
    });
    expect(server.requests).toHaveLength(5);
  });

  it('one call is let through after the pause; answered, it lets all through', async () => {
    server.answer = () => 'cut';
    await failTimes(5);
    clock.advanceSeconds(1);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = async () => {
      await held;
      return { json: {} };
    };
    const trial = send();
    await until(() => server.requests.length === 6);
    await expect(send()).rejects.toMatchObject({ code: 'server_unreachable' });
    expect(server.requests).toHaveLength(6);
    release();
    await trial;
    await Promise.all([send(), send()]);
    expect(server.requests).toHaveLength(8);
  });

  it('a call let through in vain doubles the pause, up to half a minute', async () => {
    server.answer = () => 'cut';
    await failTimes(5);
    for (const [turn, pauseSeconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      clock.advanceSeconds(pauseSeconds - 0.001);
      await failTimes(1);
      expect(server.requests).toHaveLength(5 + turn);
      clock.advanceSeconds(0.001);
      await failTimes(1);
      expect(server.requests).toHaveLength(6 + turn);
    }
  });

  it('a call whose caller gives up leaves the trial to the next', async () => {
    server.answer = () => 'cut';
    await failTimes(5);
    clock.advanceSeconds(1);
    server.answer = () => 'hang';
    const giveUp = new AbortController();
    const trial = transport.send({ method: 'GET', path: '/things', signal: giveUp.signal });
    await until(() => server.requests.length === 6);
    giveUp.abort(new Error('enough'));
    await expect(trial).rejects.toThrow('enough');
    server.answer = () => ({ json: { ok: true } });
    await expect(send()).resolves.toEqual({ ok: true });
  });

  it('half of a pause is left to chance', async () => {
    const options = checkOptions({ apiKey: API_KEY, baseUrl: server.url, clock });
    transport = new HttpTransport(options, () => 0);
    server.answer = () => 'cut';
    await failTimes(5);
    clock.advanceSeconds(0.5);
    await failTimes(1);
    expect(server.requests).toHaveLength(6);
  });
});

describe('what is an answer does not count', () => {
  it.each<[string, Answer]>([
    ['provider_unavailable', problem(503, 'provider_unavailable')],
    ['internal_error', problem(500, 'internal_error')],
    ['needs_reconnect', problem(409, 'needs_reconnect')],
    ['a page of another program', { status: 404, text: 'Not found' }],
  ])('%s', async (_name, answer) => {
    server.answer = () => answer;
    await failTimes(12);
    expect(server.requests).toHaveLength(12);
  });

  it('nor does a call that gets none while others are answered', async () => {
    server.answer = () => 'hang';
    const hung = Array.from({ length: 8 }, () => send().catch(codeOf));
    await until(() => server.requests.length === 8);
    server.answer = () => ({ json: { ok: true } });
    await send();
    expect(await Promise.all(hung)).toEqual(Array(8).fill('server_unreachable'));
    await expect(send()).resolves.toEqual({ ok: true });
  });

  it('and begins the count anew', async () => {
    server.answer = () => (server.requests.length % 5 === 0 ? { json: {} } : 'cut');
    await failTimes(20);
    expect(server.requests).toHaveLength(20);
  });
});

describe('a server that stops for the life of a token', () => {
  const REF: CredentialRef = { provider: 'okta', tenantId: 'org_acme', userId: 'user_123' };

  it.each(['stream', 'max_age'] as const)(
    'has every read served until it expires, then fail typed, then recover without a restart: %s',
    async (mode) => {
      server.answerStream = () => (mode === 'stream' ? 'stream' : problem(404, 'not_found'));
      server.answer = () => ({ json: credential() });
      const client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, timeoutMillis: 200 });
      await client.getCredential(REF);
      if (mode === 'stream') {
        (await server.streamOpened()).ready();
        await until(() => client.freshness === 'stream');
      }
      const port = Number(new URL(server.url).port);
      await server.stop();

      let served = 0;
      let reads = 0;
      for (let seconds = 0; seconds < 3_600; seconds += 5) {
        reads += 2;
        if ((await client.getCredential(REF)).credential === 'token-1') served += 1;
        // Background requests come and fail in real time.
        await new Promise(setImmediate);
        if ((await client.getCredential(REF)).credential === 'token-1') served += 1;
        clock.advanceSeconds(5);
      }
      expect(served).toBe(reads);
      for (let read = 0; read < 10; read += 1) {
        await expect(client.getCredential(REF)).rejects.toMatchObject({
          name: 'AuthpipeError',
          code: 'server_unreachable',
          retryable: true,
        });
      }

      server = await HttpServer.start(port);
      const expiresAt = new Date(clock.now() + 3_600_000).toISOString();
      server.answerStream = () => (mode === 'stream' ? 'stream' : problem(404, 'not_found'));
      server.answer = () => ({
        json: credential({ credential: 'token-2', version: 2, expiresAt, refreshAfter: null }),
      });
      // The longest that the circuit stays open.
      clock.advanceSeconds(30);
      expect((await client.getCredential(REF)).credential).toBe('token-2');
      if (mode === 'stream') {
        (await server.streamOpened()).ready();
        await until(() => client.freshness === 'stream');
      }
      client.close();
    },
  );
});
