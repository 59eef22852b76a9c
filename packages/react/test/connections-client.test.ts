import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { realBrowser } from '../src/browser.js';
import { ConnectionsClient } from '../src/connections.js';
import { ConnectionsServer, json, listed, problem } from './connections-server.js';

let server: ConnectionsServer;
beforeEach(async () => {
  server = new ConnectionsServer();
  server.connections = [listed('conn_1'), listed('conn_2', { label: 'work' })];
  await server.start();
});
afterEach(() => server.stop());

const client = (more: Partial<ConstructorParameters<typeof ConnectionsClient>[0]> = {}) =>
  new ConnectionsClient({ session: server.session, ...more });
const codeOf = (asking: Promise<unknown>) =>
  asking.then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  );

describe('listing', () => {
  it('fetches a session for listing at the first question, and keeps it', async () => {
    const asking = client();
    expect(server.sessionRequests).toEqual([]);
    expect(await asking.list()).toEqual(server.connections);
    await asking.list();
    expect(server.sessionRequests).toEqual([{ permissions: ['list', 'disconnect'] }]);
  });

  it('fetches one session for questions that come together', async () => {
    const asking = client();
    await Promise.all([asking.list(), asking.list(), asking.disconnect('conn_1')]);
    expect(server.sessionRequests).toHaveLength(1);
  });

  it('fetches a new session when the one it keeps is over, once', async () => {
    const asking = client();
    await asking.list();
    server.expireSessions();
    expect(await asking.list()).toHaveLength(2);
    expect(server.sessionRequests).toHaveLength(2);
    server.answer = (_request, response) => problem(response, 410, 'session_expired');
    expect(await codeOf(asking.list())).toBe('session_expired');
    expect(server.sessionRequests).toHaveLength(3);
  });

  it('does not ask again for a session that is refused from the start', async () => {
    server.answer = (_request, response) => problem(response, 401, 'unauthorized');
    expect(await codeOf(client().list())).toBe('unauthorized');
    expect(server.sessionRequests).toHaveLength(1);
  });

  it('asks the session function anew after it failed', async () => {
    let isDown = true;
    const asking = client({
      session: async () => (isDown ? Promise.reject(new Error('down')) : server.session()),
    });
    expect(await codeOf(asking.list())).toBe('session_unavailable');
    isDown = false;
    expect(await asking.list()).toHaveLength(2);
  });

  it('takes a token too, and says when that is over', async () => {
    const token = await server.session();
    const asking = client({ session: token });
    expect(await asking.list()).toHaveLength(2);
    server.expireSessions();
    expect(await codeOf(asking.list())).toBe('session_expired');
  });

  it('asks the server that baseUrl names', async () => {
    const elsewhere = `aps_${btoa('http://127.0.0.1:1')}.${(await server.session()).split('.').at(-1)}`;
    expect(await client({ session: elsewhere, baseUrl: `${server.url}/` }).list()).toHaveLength(2);
  });

  it('says which permission is missing, as the server does', async () => {
    server.answer = (_request, response) => problem(response, 403, 'forbidden', 'lacks the permission list');
    await expect(client().list()).rejects.toMatchObject({
      code: 'forbidden',
      message: 'lacks the permission list',
    });
  });

  it.each([
    ['text', (response: Parameters<typeof json>[0]) => void response.end('<html>')],
    [
      'a list of something else',
      (response: Parameters<typeof json>[0]) => json(response, 200, { data: [7] }),
    ],
    ['a failure', (response: Parameters<typeof json>[0]) => problem(response, 500, 'internal_error')],
    ['a name of every object', (response: Parameters<typeof json>[0]) => problem(response, 400, 'toString')],
  ])('takes %s for a server that is not there', async (_name, answer) => {
    server.answer = (_request, response) => answer(response);
    expect(await codeOf(client().list())).toBe('server_unreachable');
  });

  it('does not follow a redirect, which would carry the token elsewhere', async () => {
    server.answer = (_request, response) => {
      response.writeHead(307, { location: `${server.url}/elsewhere` }).end();
    };
    expect(await codeOf(client().list())).toBe('server_unreachable');
  });

  it('gives a question up that is aborted, and one that takes too long', async () => {
    server.gate = new Promise(() => {});
    const controller = new AbortController();
    const aborted = client().list(controller.signal);
    controller.abort(new Error('not wanted any more'));
    await expect(aborted).rejects.toThrow('not wanted any more');

    const delays: number[] = [];
    const impatient = new ConnectionsClient(
      { session: await server.session() },
      {
        ...realBrowser(),
        after: (delayMillis, run) => {
          delays.push(delayMillis);
          const timer = setTimeout(run, 0);
          return () => clearTimeout(timer);
        },
      },
    );
    expect(await codeOf(impatient.list())).toBe('server_unreachable');
    expect(delays).toEqual([10_000]);
  });
});

describe('disconnecting', () => {
  it('ends the one that is named', async () => {
    const asking = client();
    expect(await asking.disconnect('conn_1')).toEqual({ id: 'conn_1', revokedAtProvider: true });
    expect((await asking.list()).map(({ id }) => id)).toEqual(['conn_2']);
    expect(await codeOf(asking.disconnect('conn_1'))).toBe('connection_not_found');
  });

  it('never leaves its path', async () => {
    expect(await codeOf(client().disconnect('../session?x#y'))).toBe('connection_not_found');
    expect(server.requests).toEqual(['DELETE /connect/connections/..%2Fsession%3Fx%23y']);
  });
});
