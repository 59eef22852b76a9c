import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthpipeError } from '../../src/index.js';
import { problem } from '../http-server.js';
import { Stage, until } from './stage.js';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.set();
  // The API takes the second version only.
  stage.api.answer = ({ headers }) =>
    headers.authorization === 'Bearer secret-2'
      ? { json: { ok: true } }
      : { status: 401, json: { no: true } };
});
afterEach(() => stage.clear());

describe('after a 401', () => {
  it('the refusal is reported and the call repeated once with the next version', async () => {
    stage.renewOnReport();
    const response = await stage.client().fetch(stage.ref, '/users?a=b', { method: 'POST', body: 'hello' });
    expect(await response.json()).toEqual({ ok: true });
    expect(stage.reports).toEqual([{ status: 401, version: 1 }]);
    expect(stage.reads).toBe(2);
    expect(stage.api.sent('authorization')).toEqual(['Bearer secret-1', 'Bearer secret-2']);
    expect(stage.api.calls.map(({ method, path, body }) => [method, path, body])).toEqual(
      Array(2).fill(['POST', '/users?a=b', 'hello']),
    );
  });

  const form = new FormData();
  form.append('field', 'hello');
  it.each<[string, NonNullable<RequestInit['body']>]>([
    ['a Buffer', Buffer.from('hello')],
    ['a typed array', new TextEncoder().encode('hello')],
    ['an ArrayBuffer', new TextEncoder().encode('hello').buffer],
    ['a DataView', new DataView(new TextEncoder().encode('hello').buffer)],
    ['URLSearchParams', new URLSearchParams({ field: 'hello' })],
    ['FormData', form],
    ['a Blob', new Blob(['hello'])],
  ])('%s is sent a second time, whole', async (_name, body) => {
    stage.renewOnReport();
    const response = await stage.client().fetch(stage.ref, '/', { method: 'POST', body });
    expect(response.status).toBe(200);
    expect(stage.api.calls).toHaveLength(2);
    for (const call of stage.api.calls) expect(call.body).toContain('hello');
  });

  async function* chunks() {
    yield new TextEncoder().encode('hello');
  }
  it.each<[string, () => [string | Request, RequestInit?]]>([
    ['a web stream', () => ['/', { method: 'POST', body: new Blob(['hello']).stream() }]],
    ['a Node stream', () => ['/', { method: 'POST', body: Readable.from([Buffer.from('hello')]) }]],
    ['an async iterable', () => ['/', { method: 'POST', body: chunks() }]],
    ['a Request with a body', () => [new Request(`${stage.api.origin}/`, { method: 'POST', body: 'hello' })]],
  ])('%s is not sent again: the 401 comes back, reported', async (_name, args) => {
    stage.renewOnReport();
    const client = stage.client();
    const response = await client.fetch(stage.ref, ...args());
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ no: true });
    expect(stage.api.calls.map(({ body }) => body)).toEqual(['hello']);
    expect(stage.reports).toEqual([{ status: 401, version: 1 }]);
    expect((await client.fetch(stage.ref, '/')).status).toBe(200);
    expect(stage.api.calls).toHaveLength(2);
  });

  it('a Request without a body is repeated', async () => {
    stage.renewOnReport();
    expect((await stage.client().fetch(stage.ref, new Request(`${stage.api.origin}/`))).status).toBe(200);
  });

  it('calls that were refused together make one report and one question, by whatever ref', async () => {
    const many = 20;
    stage.renewOnReport();
    let together = () => {};
    const all = new Promise<void>((resolve) => {
      together = resolve;
    });
    stage.api.answer = async ({ headers }, nth) => {
      if (headers.authorization === 'Bearer secret-2') return { json: {} };
      if (nth === many) together();
      await all;
      return { status: 401 };
    };
    const client = stage.client();
    await client.getCredential(stage.ref);
    expect(stage.reads).toBe(1);
    const responses = await Promise.all(
      Array.from({ length: many }, (_, n) =>
        client.fetch(n % 2 === 0 ? stage.ref : { connectionId: 'conn_1' }, `/${n}`),
      ),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(many).fill(200));
    expect(stage.reports).toEqual([{ status: 401, version: 1 }]);
    expect(stage.reads).toBe(2);
    expect(stage.api.calls).toHaveLength(2 * many);
  });

  it('a call that was refused late takes the version that another call brought, and reports nothing', async () => {
    stage.renewOnReport();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const answer = stage.api.answer;
    stage.api.answer = async (call, nth) => {
      if (call.path === '/late' && nth === 1) await held;
      return answer(call, nth);
    };
    const client = stage.client();
    const late = client.fetch(stage.ref, '/late');
    await until(() => stage.api.calls.length === 1);
    expect((await client.fetch(stage.ref, '/early')).status).toBe(200);
    // Beyond the time in which nothing is reported twice.
    stage.clock.advanceSeconds(10);
    release();
    expect((await late).status).toBe(200);
    expect([stage.reports.length, stage.reads]).toEqual([1, 2]);
  });

  it('the same version again is not tried again: the 401 comes back', async () => {
    const response = await stage.client().fetch(stage.ref, '/');
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ no: true });
    expect([stage.api.calls.length, stage.reports.length, stage.reads]).toEqual([1, 1, 2]);
  });

  it('a refusal that lasts is reported once in five seconds', async () => {
    const client = stage.client();
    for (let n = 0; n < 5; n += 1) await client.fetch(stage.ref, '/');
    expect(stage.reports).toHaveLength(1);
    stage.clock.advanceSeconds(5);
    await client.fetch(stage.ref, '/');
    expect(stage.reports).toHaveLength(2);
  });

  it('the next version, refused too, is reported and not tried a third time', async () => {
    stage.renewOnReport();
    stage.api.answer = () => ({ status: 401 });
    expect((await stage.client().fetch(stage.ref, '/')).status).toBe(401);
    expect(stage.api.calls).toHaveLength(2);
    expect(stage.reports).toEqual([
      { status: 401, version: 1 },
      { status: 401, version: 2 },
    ]);
  });

  it('a version that is newer each time is tried once', async () => {
    let version = 1;
    stage.onReport = () => {
      version += 1;
      stage.hold({ version });
      return undefined;
    };
    expect((await stage.client().fetch(stage.ref, '/')).status).toBe(401);
    expect(stage.api.calls).toHaveLength(2);
  });

  it('a connection made anew counts as newer, whatever its version', async () => {
    stage.onReport = () => {
      stage.hold({ credential: 'secret-2', connectionId: 'conn_2', version: 1 });
      return undefined;
    };
    expect((await stage.client().fetch(stage.ref, '/')).status).toBe(200);
  });

  it.each([
    ['fails', () => problem(500, 'internal_error')],
    ['gets no answer', () => 'cut' as const],
    ['is forbidden', () => problem(403, 'forbidden')],
  ])('a report that %s is not the caller’s trouble', async (_name, answer) => {
    stage.onReport = () => {
      stage.hold({ credential: 'secret-2', version: 2 });
      return answer();
    };
    expect((await stage.client().fetch(stage.ref, '/')).status).toBe(200);
  });

  it('a connection that only a person can mend rejects with needs_reconnect', async () => {
    stage.onReport = () => {
      stage.authpipe.answer = () =>
        problem(409, 'needs_reconnect', { connectionId: 'conn_1', reason: 'revoked' });
      return undefined;
    };
    const error = await stage
      .client()
      .fetch(stage.ref, '/')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'needs_reconnect', reason: 'revoked', connectionId: 'conn_1' });
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('secret');
  });

  it('Authpipe in trouble leaves the caller with the provider’s own 401', async () => {
    const client = stage.client();
    await client.getCredential(stage.ref);
    stage.authpipe.answer = () => 'cut';
    expect((await client.fetch(stage.ref, '/')).status).toBe(401);
  });

  it.each([
    ['is down', () => 'cut' as const],
    ['is failing', () => problem(500, 'internal_error')],
  ])('the credential stays in service while Authpipe %s, which is asked once', async (_name, answer) => {
    const client = stage.client();
    await client.getCredential(stage.ref);
    stage.authpipe.answer = answer;
    await client.fetch(stage.ref, '/');
    expect([stage.reports.length, stage.reads]).toEqual([1, 2]);
    expect((await client.getCredential(stage.ref)).credential).toBe('secret-1');
    const streamed = { method: 'POST', body: new Blob(['hello']).stream() };
    stage.clock.advanceSeconds(6);
    await client.fetch(stage.ref, '/', streamed);
    expect((await client.getCredential(stage.ref)).credential).toBe('secret-1');
  });

  it('the request that was refused is repeated, not those before a redirect', async () => {
    stage.renewOnReport();
    stage.api.answer = ({ path, headers }) => {
      if (path === '/orders') return { status: 303, headers: { location: '/orders/1' } };
      return { status: headers.authorization === 'Bearer secret-2' ? 200 : 401 };
    };
    const init = { method: 'POST', body: 'one order' };
    expect((await stage.client().fetch(stage.ref, '/orders', init)).status).toBe(200);
    expect(stage.api.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /orders',
      'GET /orders/1',
      'GET /orders/1',
    ]);
  });

  it('the next version goes only where its own baseUrl allows', async () => {
    stage.onReport = () => {
      stage.hold({ credential: 'secret-2', version: 2, baseUrl: 'https://other.example' });
      return undefined;
    };
    await expect(stage.client().fetch(stage.ref, `${stage.api.origin}/`)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(stage.api.sent('authorization')).toEqual(['Bearer secret-1']);
  });

  it('nor after a redirect', async () => {
    stage.onReport = () => {
      stage.hold({ credential: 'secret-2', version: 2, baseUrl: 'https://other.example' });
      return undefined;
    };
    stage.api.answer = ({ path }) =>
      path === '/from' ? { status: 302, headers: { location: '/to' } } : { status: 401 };
    expect((await stage.client().fetch(stage.ref, '/from')).status).toBe(401);
    expect(stage.api.sent('authorization')).toEqual(['Bearer secret-1', 'Bearer secret-1']);
  });

  it('the first answer’s connection is let go', async () => {
    stage.renewOnReport();
    stage.api.answer = (_call, nth) => (nth === 1 ? { status: 401, endless: true } : { json: {} });
    expect((await stage.client().fetch(stage.ref, '/')).status).toBe(200);
    await until(() => stage.api.cutAnswers === 1);
  });

  it('a signal ends the wait for the report, and the connection is let go', async () => {
    const stop = new AbortController();
    stage.onReport = () => 'hang';
    stage.api.answer = () => ({ status: 401, endless: true });
    const client = stage.client();
    const call = client.fetch(stage.ref, '/', { signal: stop.signal });
    await until(() => stage.reports.length === 1);
    stop.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
    await until(() => stage.api.cutAnswers === 1);
    client.close();
  });
});

describe('after a 403', () => {
  const forbid = (challenge: string | string[]) => {
    stage.api.answer = () => ({ status: 403, headers: { 'www-authenticate': challenge }, json: {} });
  };

  it.each<[string, string | string[], string[]]>([
    [
      'the scopes it asks for and the credential lacks',
      'Bearer error="insufficient_scope", scope="okta.users.read okta.users.manage okta.groups.read"',
      ['okta.users.manage', 'okta.groups.read'],
    ],
    ['none, where the provider names none', 'Bearer error="insufficient_scope"', []],
    [
      'none, where it names only what the credential has',
      'Bearer scope="okta.users.read", error="insufficient_scope"',
      [],
    ],
    ['those of the second challenge', 'Basic realm="x, y", DPoP scope=a, error=insufficient_scope', ['a']],
    ['those of the second field', ['Basic realm="x"', 'Bearer error="insufficient_scope", scope="b"'], ['b']],
  ])('insufficient_scope names %s', async (_name, challenge, missingScopes) => {
    forbid(challenge);
    const error = await stage
      .client()
      .fetch(stage.ref, '/')
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuthpipeError);
    expect(error).toMatchObject({
      code: 'insufficient_scope',
      status: 403,
      retryable: false,
      connectionId: 'conn_1',
      missingScopes,
    });
    for (const scope of missingScopes) expect((error as AuthpipeError).message).toContain(scope);
    expect(stage.reports).toEqual([{ status: 403, version: 1 }]);
    expect(stage.api.calls).toHaveLength(1);
  });

  it.each([
    ['Authpipe was told', () => undefined],
    ['Authpipe is down', () => 'cut' as const],
  ])('the credential stays in service, as it is good for other calls: %s', async (_name, answer) => {
    forbid('Bearer error="insufficient_scope"');
    stage.onReport = answer;
    const client = stage.client();
    await expect(client.fetch(stage.ref, '/')).rejects.toMatchObject({ code: 'insufficient_scope' });
    expect(client.getCredentialSync(stage.ref)?.credential).toBe('secret-1');
    expect([stage.reports.length, stage.reads]).toEqual([1, 1]);
  });

  it('shows nothing secret, even where the provider repeats the token', async () => {
    forbid('Bearer error="insufficient_scope", scope="a secret-1", error_description="secret-1"');
    const error = await stage
      .client()
      .fetch(stage.ref, '/')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ missingScopes: ['a'] });
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('secret');
  });

  it('the connection of the answer is let go', async () => {
    stage.api.answer = () => ({
      status: 403,
      headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' },
      endless: true,
    });
    await expect(stage.client().fetch(stage.ref, '/')).rejects.toThrow(AuthpipeError);
    await until(() => stage.api.cutAnswers === 1);
  });

  it.each([
    ['without a challenge', undefined],
    ['for another reason', 'Bearer error="access_denied", error_description="insufficient_scope"'],
  ])('any other comes back as it is: %s', async (_name, challenge) => {
    stage.api.answer = () => ({
      status: 403,
      json: { no: true },
      headers: challenge === undefined ? {} : { 'www-authenticate': challenge },
    });
    const response = await stage.client().fetch(stage.ref, '/');
    expect([response.status, await response.json()]).toEqual([403, { no: true }]);
    expect(stage.reports).toEqual([]);
  });
});
