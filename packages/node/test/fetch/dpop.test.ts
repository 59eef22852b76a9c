import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint, EmbeddedJWK, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { START } from '../manual-clock.js';
import { ApiServer } from './api-server.js';
import { Stage } from './stage.js';

let stage: Stage;
let dpopPrivateKey: string;
let thumbprint: string;

beforeAll(async () => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(privateKey);
  dpopPrivateKey = JSON.stringify(jwk);
  thumbprint = await calculateJwkThumbprint(jwk);
});

beforeEach(async () => {
  stage = await Stage.set();
  bound('secret-1');
});
afterEach(() => stage.clear());

const bound = (token: string, more = {}) =>
  stage.hold({
    credential: token,
    tokenType: 'DPoP',
    headers: { authorization: `DPoP ${token}` },
    fields: { dpopPrivateKey },
    ...more,
  });

/** Verifies a proof by its own key, as a resource server does: RFC 9449 section 4.3. */
const verified = async (proof: string | undefined) => {
  const { payload, protectedHeader } = await jwtVerify(proof ?? '', EmbeddedJWK, {
    typ: 'dpop+jwt',
    algorithms: ['ES256'],
    currentDate: new Date(stage.clock.now()),
    maxTokenAge: 60,
  });
  expect(Object.keys(protectedHeader.jwk ?? {}).sort()).toEqual(['crv', 'kty', 'x', 'y']);
  expect(await calculateJwkThumbprint(protectedHeader.jwk ?? {})).toBe(thumbprint);
  return payload;
};

const athOf = (token: string) => createHash('sha256').update(token).digest('base64url');

const demand = (nonce: string) => ({
  status: 401,
  headers: {
    'www-authenticate': 'DPoP error="use_dpop_nonce", error_description="a nonce is needed"',
    'dpop-nonce': nonce,
  },
});

describe('a DPoP-bound token', () => {
  it('is sent with a proof for this method, address and token', async () => {
    await stage.client().fetch(stage.ref, '/api/v1/users?limit=2', { method: 'post', body: '{}' });
    expect(stage.api.sent('authorization')).toEqual(['DPoP secret-1']);
    expect(await verified(stage.api.sent('dpop')[0])).toEqual({
      jti: expect.stringMatching(/^[\w-]{22}$/),
      htm: 'POST',
      htu: `${stage.api.origin}/api/v1/users`,
      iat: START / 1_000,
      ath: athOf('secret-1'),
    });
  });

  it('is never sent with the same proof twice', async () => {
    const client = stage.client();
    await client.fetch(stage.ref, '/');
    await client.fetch(stage.ref, '/');
    const [first, second] = await Promise.all(stage.api.sent('dpop').map(verified));
    expect(first?.jti).not.toBe(second?.jti);
  });

  it('gets a proof of its own for each request of a redirect', async () => {
    stage.api.answer = ({ path }) =>
      path === '/from' ? { status: 303, headers: { location: '/to' } } : { json: {} };
    await stage.client().fetch(stage.ref, '/from', { method: 'PUT', body: '{}' });
    const proofs = await Promise.all(stage.api.sent('dpop').map(verified));
    expect(proofs.map(({ htm, htu }) => `${htm} ${htu}`)).toEqual([
      `PUT ${stage.api.origin}/from`,
      `GET ${stage.api.origin}/to`,
    ]);
  });

  it('gets a proof of the new token when it is replaced after a 401', async () => {
    stage.onReport = () => {
      bound('secret-2', { version: 2 });
      return undefined;
    };
    stage.api.answer = ({ headers }) => ({ status: headers.authorization === 'DPoP secret-2' ? 200 : 401 });
    expect((await stage.client().fetch(stage.ref, '/')).status).toBe(200);
    const proofs = await Promise.all(stage.api.sent('dpop').map(verified));
    expect(proofs.map(({ ath }) => ath)).toEqual([athOf('secret-1'), athOf('secret-2')]);
  });

  it.each([
    ['no key', undefined],
    ['no JSON', { dpopPrivateKey: 'secret' }],
    ['a key for something else', { dpopPrivateKey: '{"kty":"oct","k":"secret"}' }],
    ['a broken key', { dpopPrivateKey: '{"kty":"EC","crv":"P-256","x":"secret","y":"secret","d":"secret"}' }],
  ])('that comes with %s is an error that shows nothing', async (_name, fields) => {
    bound('secret-1', { fields });
    const error = await stage
      .client()
      .fetch(stage.ref, '/')
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'internal_error', retryable: false, connectionId: 'conn_1' });
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain('secret');
    expect(stage.api.calls).toEqual([]);
  });
});

describe('a nonce', () => {
  const nonces = async () =>
    (await Promise.all(stage.api.sent('dpop').map(verified))).map(({ nonce }) => nonce);

  it('that the API asks for is sent with the same call, once more, and that is no refusal', async () => {
    stage.api.answer = (_call, nth) => (nth === 1 ? demand('first') : { json: { ok: true } });
    const response = await stage.client().fetch(stage.ref, '/', { method: 'POST', body: 'hello' });
    expect(await response.json()).toEqual({ ok: true });
    expect(await nonces()).toEqual([undefined, 'first']);
    expect(stage.api.calls.map(({ body }) => body)).toEqual(['hello', 'hello']);
    expect(stage.reports).toEqual([]);
  });

  it('is remembered, and replaced by that of any later answer', async () => {
    stage.api.answer = (_call, nth) => ({ json: {}, headers: { 'dpop-nonce': `nonce-${nth}` } });
    const client = stage.client();
    for (let n = 0; n < 3; n += 1) await client.fetch(stage.ref, '/');
    expect(await nonces()).toEqual([undefined, 'nonce-1', 'nonce-2']);
  });

  it('of one origin is not sent to another', async () => {
    const other = await ApiServer.start();
    const client = stage.client();
    stage.api.answer = () => ({ json: {}, headers: { 'dpop-nonce': 'here' } });
    await client.fetch(stage.ref, '/');
    bound('secret-1', { connectionId: 'conn_2', baseUrl: other.origin });
    await client.fetch({ connectionId: 'conn_2' }, '/');
    expect(await verified(other.sent('dpop')[0])).not.toHaveProperty('nonce');
    await other.stop();
  });

  it('that is asked for again and again is tried once: the answer comes back, unreported', async () => {
    stage.api.answer = (_call, nth) => demand(`nonce-${nth}`);
    const response = await stage.client().fetch(stage.ref, '/');
    expect(response.status).toBe(401);
    expect(await nonces()).toEqual([undefined, 'nonce-1']);
    expect(stage.reports).toEqual([]);
  });

  it('helps the next call where the body can not be sent again', async () => {
    stage.api.answer = (_call, nth) => (nth === 1 ? demand('first') : { json: {} });
    const client = stage.client();
    const stream = () => ({ method: 'POST', body: new Blob(['hello']).stream() });
    expect((await client.fetch(stage.ref, '/', stream())).status).toBe(401);
    expect((await client.fetch(stage.ref, '/', stream())).status).toBe(200);
    expect(await nonces()).toEqual([undefined, 'first']);
    expect(stage.reports).toEqual([]);
  });

  it('and then a refusal of the token: both are answered', async () => {
    stage.onReport = () => {
      bound('secret-2', { version: 2 });
      return undefined;
    };
    stage.api.answer = ({ headers }, nth) => {
      if (nth === 1) return demand('first');
      return { status: headers.authorization === 'DPoP secret-2' ? 200 : 401 };
    };
    expect((await stage.client().fetch(stage.ref, '/')).status).toBe(200);
    expect(await nonces()).toEqual([undefined, 'first', 'first']);
    expect(stage.reports).toEqual([{ status: 401, version: 1 }]);
  });

  it('asked of a bearer token is a refusal like any other', async () => {
    stage.hold({});
    stage.api.answer = () => demand('first');
    expect((await stage.client().fetch(stage.ref, '/')).status).toBe(401);
    expect(stage.reports).toHaveLength(1);
  });
});
