import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthpipeError } from '../../src/index.js';
import { ApiServer } from './api-server.js';
import { Stage } from './stage.js';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.set();
});
afterEach(() => stage.clear());

const refusal = async (call: Promise<Response>): Promise<AuthpipeError> => {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AuthpipeError)) throw new Error('No AuthpipeError was thrown.', { cause: error });
  expect(inspect(error, { showHidden: true, depth: 9 })).not.toMatch(/secret-1|hush/);
  return error;
};

describe('an address', () => {
  it.each([
    ['/api/v1/users', '/api/v1/users'],
    ['api/v1/users', '/api/v1/users'],
    ['/api/v1/users?limit=2#top', '/api/v1/users?limit=2'],
    ['?q=a', '/?q=a'],
    ['', '/'],
    ['/a//b', '/a//b'],
    ['/a%2F..%2Fb', '/a%2F..%2Fb'],
  ])('%p is a path of the API', async (path, sent) => {
    await stage.client().fetch(stage.ref, path);
    expect(stage.api.calls.map((call) => call.path)).toEqual([sent]);
  });

  it.each([
    ['/users', '/api/v3/users'],
    ['users?a=b', '/api/v3/users?a=b'],
    ['', '/api/v3'],
    ['/a/../b', '/api/v3/b'],
  ])('%p goes below the path that baseUrl has', async (path, sent) => {
    stage.hold({ baseUrl: `${stage.api.origin}/api/v3/` });
    await stage.client().fetch(stage.ref, path);
    expect(stage.api.calls.map((call) => call.path)).toEqual([sent]);
  });

  it('may be absolute, a URL or a Request', async () => {
    const client = stage.client();
    stage.hold({ baseUrl: `${stage.api.origin}/api/v3` });
    await client.fetch(stage.ref, `${stage.api.origin}/graphql`);
    await client.fetch(stage.ref, new URL('/x?y', stage.api.origin));
    await client.fetch(
      stage.ref,
      new Request(`${stage.api.origin}/r`, { method: 'POST', body: 'hi', headers: { 'x-own': '1' } }),
    );
    expect(stage.api.calls.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['GET', '/graphql', ''],
      ['GET', '/x?y', ''],
      ['POST', '/r', 'hi'],
    ]);
    expect(stage.api.sent('authorization')).toEqual(Array(3).fill('Bearer secret-1'));
    expect(stage.api.sent('x-own')[2]).toBe('1');
  });

  it('what init says wins over the Request', async () => {
    const request = new Request(`${stage.api.origin}/r`, {
      method: 'POST',
      body: 'a',
      headers: { 'x-own': '1' },
    });
    await stage
      .client()
      .fetch(stage.ref, request, { method: 'patch', body: 'b', headers: { 'x-other': '2' } });
    expect(stage.api.calls[0]).toMatchObject({ method: 'PATCH', body: 'b', headers: { 'x-other': '2' } });
    expect(stage.api.sent('x-own')).toEqual([undefined]);
  });

  describe('elsewhere is refused before anything is sent:', () => {
    let other: ApiServer;
    beforeEach(async () => {
      other = await ApiServer.start();
    });
    afterEach(() => other.stop());

    it.each<[string, (here: URL, there: URL) => string | URL | Request]>([
      ['another host', (_here, there) => `http://localhost:${there.port}/`],
      ['another port', (_here, there) => there],
      ['a Request to another port', (_here, there) => new Request(there)],
      ['another scheme', (here) => `https://${here.host}/`],
      ['another name of the same host', (here) => `http://localhost:${here.port}/`],
      ['the host as a user name', (here, there) => `http://${here.host}@${there.host}/`],
      ['a host that begins like it', (here) => `${here.origin}.evil.example/`],
      ['a user name', (here) => `http://me:hush@${here.host}/`],
      ['a URL with a user name', (here) => new URL(`http://me:hush@${here.host}/`)],
      ['//', (_here, there) => `//${there.host}/`],
      ['\\\\', (_here, there) => `\\\\${there.host}/`],
      ['/\\', (_here, there) => `/\\${there.host}/`],
      ['/ tab /', (_here, there) => `/\t/${there.host}/`],
      ['a backslash before @', (here, there) => `http://${here.host}\\@${there.host}/`],
      ['a space before //', (_here, there) => ` //${there.host}/`],
      ['a scheme with a line break in it', (_here, there) => `ht\ntp://${there.host}/`],
      ['a scheme without a host', () => 'javascript:alert(1)'],
      ['a file', () => 'file:///etc/passwd'],
      ['data', () => 'data:text/plain,hush'],
      ['no URL', () => 'http://'],
      ['a query that holds a secret', (_here, there) => `${there.origin}/?token=hush`],
    ])('%s', async (_name, address) => {
      const error = await refusal(
        stage.client().fetch(stage.ref, address(new URL(stage.api.origin), new URL(other.origin))),
      );
      expect(error).toMatchObject({ code: 'invalid_request', connectionId: 'conn_1' });
      expect(error.message).toContain(`to ${stage.api.origin} only`);
      expect([...stage.api.calls, ...other.calls]).toEqual([]);
    });
  });

  it.each([
    ['https://acme.okta.com/x', true],
    ['https://ACME.okta.com:443/x', true],
    ['https://acme.okta.com./x', false],
    ['https://acme.okta.com:444/x', false],
    ['http://acme.okta.com/x', false],
    ['wss://acme.okta.com/x', false],
    ['https://www.acme.okta.com/x', false],
    ['https://okta.com/x', false],
  ])('%s is of https://acme.okta.com: %p', async (address, isAllowed) => {
    stage.hold({ baseUrl: 'https://acme.okta.com' });
    const sent: string[] = [];
    const providerFetch: typeof fetch = async (input) => {
      sent.push(String(input));
      return new Response();
    };
    const call = stage.client({ providerFetch }).fetch(stage.ref, address);
    if (isAllowed) await call;
    else await refusal(call);
    expect(sent).toEqual(isAllowed ? ['https://acme.okta.com/x'] : []);
  });

  it.each(['/../admin', '../v30', '/a/../../b', '/%2e%2e/x'])(
    'the path %p does not leave the API',
    async (path) => {
      stage.hold({ baseUrl: `${stage.api.origin}/api/v3` });
      expect(await refusal(stage.client().fetch(stage.ref, path))).toMatchObject({ code: 'invalid_request' });
      expect(stage.api.calls).toEqual([]);
    },
  );

  it.each([undefined, null, 7, {}])('that is %p is refused', async (input) => {
    const error = await refusal(stage.client().fetch(stage.ref, input as unknown as string));
    expect(error.code).toBe('invalid_request');
  });

  it('is not known where baseUrl is null: the credential goes nowhere', async () => {
    stage.hold({ baseUrl: null });
    const error = await refusal(stage.client().fetch(stage.ref, `${stage.api.origin}/users`));
    expect(error).toMatchObject({ code: 'invalid_request', connectionId: 'conn_1' });
    expect(error.message).toContain('baseUrl is null');
    expect(stage.api.calls).toEqual([]);
  });

  it('there is none for a webhook secret', async () => {
    stage.hold({ kind: 'webhook_secret', headers: {} });
    const error = await refusal(stage.client().fetch(stage.ref, '/users'));
    expect(error).toMatchObject({ code: 'invalid_request' });
    expect(error.message).toContain('webhook secret');
    expect(stage.api.calls).toEqual([]);
  });
});

describe('the credential', () => {
  const pair = Buffer.from('ada:secret').toString('base64');
  it.each([
    ['a bearer token', { headers: { authorization: 'Bearer secret' } }],
    ['a key of a scheme of its own', { kind: 'api_key', headers: { authorization: 'SSWS secret' } }],
    ['a name and a password', { kind: 'basic', headers: { authorization: `Basic ${pair}` } }],
    ['a key in two headers', { kind: 'api_key', headers: { 'x-api-key': 'secret', 'x-app-id': 'app' } }],
  ] as const)('%s is sent in its own headers', async (_name, held) => {
    stage.hold(held);
    await stage.client().fetch(stage.ref, '/', { headers: { accept: 'text/plain' } });
    expect(stage.api.calls[0]?.headers).toMatchObject({ accept: 'text/plain', ...held.headers });
    expect(stage.api.sent('dpop')).toEqual([undefined]);
  });

  it.each([
    [
      'an object',
      { AUTHORIZATION: 'SSWS mine', 'X-Api-Key': 'mine', DPoP: 'mine', Host: 'mine', 'x-own': '1' },
    ],
    ['Headers', new Headers({ Authorization: 'SSWS mine', 'x-api-key': 'mine', host: 'mine', 'x-own': '1' })],
    [
      'pairs',
      [
        ['authorization', 'mine'],
        ['X-API-KEY', 'mine'],
        ['HOST', 'mine'],
        ['x-own', '1'],
      ] as [string, string][],
    ],
  ])('wins over headers given as %s', async (_name, headers) => {
    stage.hold({ kind: 'api_key', headers: { 'x-api-key': 'secret' } });
    await stage.client().fetch(stage.ref, '/', { headers });
    expect(stage.api.calls[0]?.headers).toMatchObject({ 'x-api-key': 'secret', 'x-own': '1' });
    expect(stage.api.calls[0]?.headers.host).toBe(new URL(stage.api.origin).host);
    expect(stage.api.sent('authorization')).toEqual([undefined]);
    expect(stage.api.sent('dpop')).toEqual([undefined]);
  });

  it('is not sent with a Host of the caller’s, by no fetch', async () => {
    const hosts: (string | null)[] = [];
    const providerFetch: typeof fetch = async (_input, init) => {
      hosts.push(new Headers(init?.headers).get('host'));
      return new Response();
    };
    await stage.client({ providerFetch }).fetch(stage.ref, '/', { headers: { Host: 'evil.example' } });
    expect(hosts).toEqual([null]);
  });

  it('wins over the headers of a Request', async () => {
    const request = new Request(`${stage.api.origin}/`, { headers: { authorization: 'mine' } });
    await stage.client().fetch(stage.ref, request);
    expect(stage.api.sent('authorization')).toEqual(['Bearer secret-1']);
  });

  it('that no header can carry is not shown by the error', async () => {
    stage.hold({ headers: { authorization: 'Bearer hush\nhush' } });
    const error = await refusal(stage.client().fetch(stage.ref, '/'));
    expect(error).toMatchObject({ code: 'invalid_request', connectionId: 'conn_1' });
    expect(error.message).toContain('line breaks');
  });

  it('comes from the cache: one question for many calls', async () => {
    const client = stage.client();
    for (const path of ['/a', '/b', '/c']) await client.fetch(stage.ref, path);
    expect([stage.reads, stage.api.calls.length]).toEqual([1, 3]);
  });
});

describe('fetchFor', () => {
  it('gives a function with the signature of fetch', async () => {
    const fetchUsers: typeof fetch = stage.client().fetchFor(stage.ref);
    const response = await fetchUsers('/users', { method: 'POST', body: '{}' });
    expect(await response.json()).toEqual({ ok: true });
    expect(stage.api.sent('authorization')).toEqual(['Bearer secret-1']);
  });

  it('refuses a ref without an owner at once', () => {
    const ref = { provider: 'okta', tenantId: 'org_acme', userId: undefined } as unknown as typeof stage.ref;
    expect(() => stage.client().fetchFor(ref)).toThrow(AuthpipeError);
  });

  it('stays with its connection when the ref is changed later', async () => {
    const ref: { provider: string; tenantId: string; userId: string } = { ...stage.ref };
    const call = stage.client().fetchFor(ref);
    ref.userId = 'user_456';
    await call('/');
    expect(stage.authpipe.requests[0]?.query.get('userId')).toBe('user_123');
  });
});

describe('a call', () => {
  it('to an API that can not be reached rejects as fetch does, and shows no secret', async () => {
    await stage.api.stop();
    const error = await stage
      .client()
      .fetch(stage.ref, '/')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed' });
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('secret');
    stage.api.stop = async () => undefined;
  });

  it('ends with the reason of its signal, and lets go of the connection', async () => {
    stage.api.answer = () => 'hang';
    const reason = new Error('enough');
    const stop = new AbortController();
    const call = stage.client().fetch(stage.ref, '/', { signal: stop.signal });
    while (stage.api.calls.length === 0) await new Promise(setImmediate);
    stop.abort(reason);
    await expect(call).rejects.toBe(reason);
    while (stage.api.cutAnswers === 0) await new Promise(setImmediate);
  });

  it('is not begun with a signal that is aborted, of a Request too', async () => {
    const signal = AbortSignal.abort(new Error('before'));
    await expect(stage.client().fetch(stage.ref, '/', { signal })).rejects.toThrow('before');
    const request = new Request(`${stage.api.origin}/`, { signal });
    await expect(stage.client().fetch(stage.ref, request)).rejects.toThrow('before');
    expect(stage.api.calls).toEqual([]);
  });

  it('goes through providerFetch where one is given, and calls of Authpipe do not', async () => {
    const urls: string[] = [];
    const providerFetch: typeof fetch = (input, init) => {
      urls.push(String(input));
      return fetch(input, init);
    };
    await stage.client({ providerFetch }).fetch(stage.ref, '/users');
    expect(urls).toEqual([`${stage.api.origin}/users`]);
  });
});
