import type { Credential } from '@authpipe/types';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Authpipe, type AuthpipeOptions, type CredentialRef } from '../src/index.js';
import { type EventStreamConnection, event } from './event-stream-connection.js';
import { API_KEY, credential, HttpServer, problem } from './http-server.js';
import { ManualClock } from './manual-clock.js';
import { aMoment, until } from './until.js';

const REF: CredentialRef = { provider: 'snyk', tenantId: 'org_acme', userId: 'user_123' };

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;
/** Version and key that the server holds. */
let held: Credential;

/** An API key, which never ends by itself. */
const key = (version: number) =>
  credential({ credential: `key-${version}`, version, kind: 'api_key', expiresAt: null, refreshAfter: null });

beforeEach(async () => {
  server = await HttpServer.start();
  held = key(6);
  server.answer = () => ({ json: held });
  clock = new ManualClock();
});

afterEach(async () => {
  client.close();
  await server.stop();
});

const connect = (options: Partial<AuthpipeOptions> = {}) =>
  new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, maxAgeSeconds: 60, ...options });

describe('after the database was restored from a backup', () => {
  it('a lower version is taken, asked for when the higher one was here already', async () => {
    const changes: object[] = [];
    client = connect({ stream: false, hooks: { refresh: (note) => changes.push(note) } });
    await client.getCredential(REF);
    held = key(4);
    clock.advanceSeconds(61);
    expect((await client.getCredential(REF)).credential).toBe('key-4');
    expect(client.getCredentialSync(REF)?.credential).toBe('key-4');
    expect(changes).toEqual([{ connectionId: 'conn_1', version: 4, previousVersion: 6 }]);
  });

  it('a lower version is not taken that was asked for before the higher one came', async () => {
    client = connect({ stream: false });
    await client.getCredential(REF);
    clock.advanceSeconds(61);
    let release = () => {};
    const late = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.answer = async ({ query }) => {
      if (query.has('provider')) await late;
      return { json: query.has('provider') ? key(4) : key(7) };
    };
    const slow = client.getCredential(REF);
    await until(() => server.requests.length === 2);
    clock.advanceSeconds(1);
    await client.getCredential({ connectionId: 'conn_1' });
    release();
    expect((await slow).credential).toBe('key-7');
    expect(client.getCredentialSync(REF)?.credential).toBe('key-7');
  });

  describe('and the event stream begins anew', () => {
    let stream: EventStreamConnection;

    beforeEach(async () => {
      server.answerStream = () => 'stream';
      client = connect();
      await client.getCredential(REF);
      const first = await server.streamOpened();
      first.ready({ id: '5000', heartbeatSeconds: 100 });
      await until(() => client.freshness === 'stream');
      clock.advanceSeconds(1);
      first.cut();
      await until(() => client.freshness === 'max_age' && clock.sleepers === 1);
      clock.advanceSeconds(5);
      stream = await server.streamOpened(2);
    });

    const begin = async (resumed: boolean) => {
      stream.ready({ resumed, id: '3000', heartbeatSeconds: 100 });
      await until(() => client.freshness === 'stream');
    };

    it('an event of a lower version is news: a revoked credential is dropped', async () => {
      await begin(false);
      server.answer = () => problem(409, 'needs_reconnect', { reason: 'revoked' });
      stream.send(
        event('connection.needs_reconnect', { version: 4, status: 'needs_reconnect', reason: 'revoked' }),
      );
      await until(() => client.toJSON().cachedCredentials === 0);
      await expect(client.getCredential(REF)).rejects.toMatchObject({ code: 'needs_reconnect' });
    });

    it('until an answer says which version there is', async () => {
      await begin(false);
      held = key(4);
      clock.advanceSeconds(61);
      await client.getCredential(REF);
      stream.send(
        event('connection.needs_reconnect', { version: 3, status: 'needs_reconnect', reason: 'revoked' }),
      );
      await aMoment();
      expect(client.getCredentialSync(REF)?.credential).toBe('key-4');
    });

    it('but not where it goes on from where it broke off', async () => {
      await begin(true);
      stream.send(
        event('connection.needs_reconnect', { version: 4, status: 'needs_reconnect', reason: 'revoked' }),
      );
      await aMoment();
      expect(client.toJSON().cachedCredentials).toBe(1);
    });
  });
});
