import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { OktaRequestExecutor, type OktaRequestExecutorOptions } from '@authpipe/node/okta-sdk';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import okta from '@okta/okta-sdk-nodejs';
import { START } from '../manual-clock.js';
import type { ApiAnswer } from './api-server.js';
import { Stage } from './stage.js';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.set();
});
afterEach(async () => {
  expect(JSON.stringify(stage.api.calls)).not.toContain('placeholder');
  await stage.clear();
});

const executor = (options: OktaRequestExecutorOptions = {}): OktaRequestExecutor =>
  new OktaRequestExecutor(stage.client().fetchFor(stage.ref), { clock: stage.clock, ...options });

// The type test: the SDK takes the executor as it is.
const sdk = (requestExecutor: OktaRequestExecutor = executor()): okta.Client =>
  new okta.Client({ orgUrl: stage.api.origin, token: 'placeholder', requestExecutor });

/** A 429 that asks to wait so many seconds by the org's own clock, which is an hour off. */
const limited = (seconds: number): ApiAnswer => {
  const orgMillis = START + 3_600_000;
  return {
    status: 429,
    json: { errorCode: 'E0000047', errorSummary: 'Too many requests' },
    headers: {
      date: new Date(orgMillis).toUTCString(),
      'x-rate-limit-reset': `${orgMillis / 1_000 + seconds}`,
      'x-okta-request-id': 'okta-1',
    },
  };
};

describe('Okta’s SDK, given the request executor,', () => {
  it.each([
    ['Bearer', 'Bearer secret-1'],
    ['SSWS', 'SSWS secret-1'],
  ])('reads a user with a %s credential, never with its own token', async (tokenType, authorization) => {
    stage.hold({ tokenType, headers: { authorization } });
    stage.api.answer = () => ({ json: { id: '00u1', profile: { login: 'ada@example.com' } } });
    const user = await sdk().userApi.getUser({ userId: '00u1' });
    expect(user.profile?.login).toBe('ada@example.com');
    expect(stage.api.calls[0]).toMatchObject({ method: 'GET', path: '/api/v1/users/00u1' });
    expect(stage.api.sent('authorization')).toEqual([authorization]);
    expect(stage.api.sent('user-agent')[0]).toContain('okta-sdk-nodejs');
  });

  it('reads a list page after page', async () => {
    stage.api.answer = (_call, nth) => ({
      json: [{ id: `00u${nth}` }],
      headers: nth < 3 ? { link: `<${stage.api.origin}/api/v1/users?after=${nth}>; rel="next"` } : {},
    });
    const ids: (string | undefined)[] = [];
    for await (const user of await sdk().userApi.listUsers()) ids.push(user?.id);
    expect(ids).toEqual(['00u1', '00u2', '00u3']);
    expect(stage.api.sent('authorization')).toEqual(Array(3).fill('Bearer secret-1'));
  });

  it('writes, also when the token has to be replaced first', async () => {
    stage.renewOnReport();
    stage.api.answer = ({ headers }) =>
      headers.authorization === 'Bearer secret-2' ? { json: { id: '00g1' } } : { status: 401, json: {} };
    const group = await sdk().groupApi.createGroup({ group: { profile: { name: 'Builders' } } });
    expect(group.id).toBe('00g1');
    expect(stage.api.calls.map(({ method, body }) => [method, JSON.parse(body).profile.name])).toEqual(
      Array(2).fill(['POST', 'Builders']),
    );
    expect(stage.reports).toEqual([{ status: 401, version: 1 }]);
  });

  it('deletes', async () => {
    stage.api.answer = () => ({ status: 204 });
    await sdk().groupApi.deleteGroup({ groupId: '00g1' });
    expect(stage.api.calls[0]).toMatchObject({ method: 'DELETE', path: '/api/v1/groups/00g1' });
  });

  it.each([
    ['held in memory', () => Buffer.from('picture'), 2],
    ['read from a stream, which is sent once', () => Readable.from([Buffer.from('picture')]), 1],
  ])('uploads a file %s', async (_name, data, calls) => {
    stage.renewOnReport();
    stage.api.answer = ({ headers }) => ({
      status: headers.authorization === 'Bearer secret-2' ? 201 : 401,
      json: {},
    });
    const file = { data: data() as Buffer, name: 'logo.png' };
    await sdk()
      .orgSettingApi.uploadOrgLogo({ file })
      .catch((error: { status?: number }) => expect([error.status, calls]).toEqual([401, 1]));
    expect(stage.api.calls).toHaveLength(calls);
    for (const { headers, body } of stage.api.calls) {
      const boundary = /^multipart\/form-data; ?boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1];
      expect(body).toContain(`--${boundary}\r\n`);
      expect(body).toContain('filename="logo.png"');
      expect(body).toContain('picture');
      expect(body).toContain(`--${boundary}--`);
    }
  });

  it('downloads what is not text', async () => {
    const response = await executor().fetch({ url: `${stage.api.origin}/file`, method: 'get' });
    expect((await response.buffer()).toString()).toBe('{"ok":true}');
  });

  it('gives Okta’s own errors as the SDK does', async () => {
    stage.api.answer = () => ({ status: 404, json: { errorCode: 'E0000007', errorSummary: 'Not found' } });
    await expect(sdk().userApi.getUser({ userId: 'none' })).rejects.toMatchObject({
      name: 'OktaApiError',
      status: 404,
      errorCode: 'E0000007',
    });
  });

  it('gives Authpipe’s typed errors, which show no secret', async () => {
    stage.api.answer = () => ({
      status: 403,
      json: { errorCode: 'E0000006' },
      headers: {
        'www-authenticate':
          'Bearer authorization_uri="https://acme.okta.com/oauth2/v1/authorize", realm="https://acme.okta.com", scope="okta.groups.manage", error="insufficient_scope", error_description="The access token provided does not contain the required scopes.", resource="/api/v1/groups"',
      },
    });
    const error = await sdk()
      .groupApi.deleteGroup({ groupId: '00g1' })
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'insufficient_scope', missingScopes: ['okta.groups.manage'] });
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('secret-1');
  });

  it('is kept from another org', async () => {
    const client = new okta.Client({
      orgUrl: 'https://other.okta.com',
      token: 'placeholder',
      requestExecutor: executor(),
    });
    await expect(client.userApi.getUser({ userId: '00u1' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(stage.api.calls).toEqual([]);
  });
});

describe('a rate limit', () => {
  it('is waited for by Okta’s clock, and the call repeated', async () => {
    stage.api.answer = (_call, nth) => (nth === 1 ? limited(30) : { json: { id: '00g1' } });
    const requestExecutor = executor();
    const events: string[] = [];
    for (const name of ['request', 'response', 'backoff', 'resume']) {
      requestExecutor.on(name, () => events.push(name));
    }
    const group = await sdk(requestExecutor).groupApi.createGroup({
      group: { profile: { name: 'Builders' } },
    });
    expect(group.id).toBe('00g1');
    expect(stage.clock.slept).toEqual([31_000]);
    expect(stage.api.calls.map(({ body }) => JSON.parse(body).profile.name)).toEqual(
      Array(2).fill('Builders'),
    );
    expect(stage.api.calls[1]?.headers).toMatchObject({
      'x-okta-retry-for': 'okta-1',
      'x-okta-retry-count': '1',
    });
    expect(events).toEqual(['request', 'response', 'backoff', 'resume', 'request', 'response']);
  });

  it.each([
    ['twice unless told', {}, 3],
    ['as often as told', { maxRetries: 1 }, 2],
    ['never, where told', { maxRetries: 0 }, 1],
  ])('is waited for %s', async (_name, options, calls) => {
    stage.api.answer = () => limited(1);
    await expect(sdk(executor(options)).userApi.getUser({ userId: 'a' })).rejects.toMatchObject({
      status: 429,
    });
    expect(stage.api.calls).toHaveLength(calls);
  });

  it.each<[string, Record<string, string>]>([
    ['that does not say when it ends', {}],
    ['that says so twice', { 'x-rate-limit-reset': '1767225600, 1767225601' }],
    ['that lasts for hours', { 'x-rate-limit-reset': `${START / 1_000 + 7_200}` }],
  ])('%s is handed on', async (_name, headers) => {
    stage.api.answer = () => ({
      status: 429,
      json: {},
      headers: { date: new Date(START).toUTCString(), ...headers },
    });
    await expect(sdk().userApi.getUser({ userId: 'a' })).rejects.toMatchObject({ status: 429 });
    expect([stage.api.calls.length, stage.clock.slept]).toEqual([1, []]);
  });
});

describe('the executor', () => {
  it('ends a call that takes too long', async () => {
    stage.api.answer = () => 'hang';
    const call = executor({ timeoutMillis: 5_000 }).fetch({ url: `${stage.api.origin}/` });
    await expect(call).rejects.toMatchObject({ code: 'provider_unavailable', retryable: true });
    expect(stage.clock.slept).toEqual([5_000]);
  });

  it('passes on a signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(executor().fetch({ url: `${stage.api.origin}/`, signal })).rejects.toThrow('enough');
    expect(stage.api.calls).toEqual([]);
  });

  it.each([{ maxRetries: -1 }, { maxRetries: 1.5 }, { timeoutMillis: -1 }, { timeoutMillis: Number.NaN }])(
    'refuses %p',
    (options) => expect(() => executor(options)).toThrow('whole number'),
  );

  it('refuses to be made without fetchFor(ref)', () => {
    // @ts-expect-error a client is not a function
    expect(() => new OktaRequestExecutor(stage.client())).toThrow('fetchFor');
  });
});
