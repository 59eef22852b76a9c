import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Org } from '../src/org/index.js';
import { ConnectedApp, startTestOrg } from './connected-app.js';

let org: Org;
let app: ConnectedApp;

beforeAll(async () => {
  org = await startTestOrg();
  app = new ConnectedApp(org);
});
beforeEach(() => org.control.reset());
afterAll(() => org.close());

/** Resolves once so many calls hang. */
async function untilHung(count: number): Promise<void> {
  while (org.control.hungCount() < count) await new Promise((resolve) => setImmediate(resolve));
}

describe('the next calls', () => {
  test('are throttled in Okta’s words: 429 that says invalid_grant, and the grant is fine afterwards', async () => {
    const { refresh_token } = await app.connect();
    org.control.failNext({ kind: 'rate_limit', times: 2 });
    for (let call = 0; call < 2; call += 1) {
      const answer = await app.refresh(refresh_token);
      expect(answer).toMatchObject({
        status: 429,
        json: {
          error: 'invalid_grant',
          error_description: 'API call exceeded rate limit due to too many requests.',
        },
      });
      expect(answer.headers.get('X-Rate-Limit-Remaining')).toBe('0');
    }
    expect((await app.refresh(refresh_token)).status).toBe(200);
    expect(org.control.counters()).toMatchObject({ refreshRequests: 3, faultsServed: 2 });
  });

  test('fail with 500, on the chosen path and below it only', async () => {
    const { access_token, refresh_token } = await app.connect();
    org.control.failNext({ kind: 'server_error', path: '/api/v1' });
    expect((await app.refresh(refresh_token)).status).toBe(200);
    expect(await app.api('/api/v1/users', access_token)).toMatchObject({
      status: 500,
      json: { errorCode: 'E0000009' },
    });
    expect((await app.api('/api/v1/users', access_token)).status).toBe(200);
  });

  test('come in turn where several faults wait on one path', async () => {
    const { refresh_token } = await app.connect();
    org.control.failNext({ kind: 'server_error' });
    org.control.failNext({ kind: 'rate_limit' });
    const statuses: number[] = [];
    for (let call = 0; call < 3; call += 1) statuses.push((await app.refresh(refresh_token)).status);
    expect(statuses).toEqual([500, 429, 200]);
  });

  test('lose their connection before anything was done', async () => {
    org.control.setRotation('ROTATE');
    org.control.setGrace(0);
    const { refresh_token } = await app.connect();
    org.control.failNext({ kind: 'drop' });
    await expect(app.refresh(refresh_token)).rejects.toThrow('fetch failed');
    expect((await app.refresh(refresh_token)).status).toBe(200);
  });

  test('lose their answer after it was done: the rotated token is lost, as a broken network loses it', async () => {
    org.control.setRotation('ROTATE');
    org.control.setGrace(0);
    const { refresh_token } = await app.connect();
    org.control.failNext({ kind: 'drop_answer' });
    await expect(app.refresh(refresh_token)).rejects.toThrow('fetch failed');
    expect((await app.refresh(refresh_token)).status).toBe(400);
    expect(org.control.counters().familyRevocations).toBe(1);
  });

  test('hang until released, and then go on as usual', async () => {
    const { refresh_token } = await app.connect();
    org.control.failNext({ kind: 'hang' });
    const hanging = app.refresh(refresh_token);
    await untilHung(1);
    expect(org.control.releaseHung()).toBe(1);
    expect((await hanging).status).toBe(200);
  });

  test('hang for the time given', async () => {
    const { refresh_token } = await app.connect();
    org.control.failNext({ kind: 'hang', hangMillis: 1 });
    expect((await app.refresh(refresh_token)).status).toBe(200);
  });

  test('take no effect when the caller gave up while they hung', async () => {
    org.control.setRotation('ROTATE');
    org.control.setGrace(0);
    const { refresh_token = '' } = await app.connect();
    org.control.failNext({ kind: 'hang' });
    const gaveUp = new AbortController();
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token });
    const hanging = app.send('/oauth2/v1/token', { method: 'POST', body, signal: gaveUp.signal });
    await untilHung(1);
    gaveUp.abort();
    await expect(hanging).rejects.toThrow('aborted');
    while (org.control.hungCount() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await app.refresh(refresh_token)).status).toBe(200);
    expect(org.control.counters().familyRevocations).toBe(0);
  });
});

test('the control answers while every other call fails', async () => {
  org.control.failNext({ kind: 'server_error', path: '/', times: 100 });
  expect((await app.send('/.well-known/openid-configuration')).status).toBe(500);
  expect((await app.send('/control/api/faults/clear', { method: 'POST', body: '{}' })).status).toBe(200);
  expect((await app.send('/.well-known/openid-configuration')).status).toBe(200);
});

test('closing the org ends a call that hangs', async () => {
  const doomed = await startTestOrg();
  doomed.control.failNext({ kind: 'hang' });
  const hanging = new ConnectedApp(doomed).refresh('any');
  while (doomed.control.hungCount() < 1) await new Promise((resolve) => setImmediate(resolve));
  const failure = expect(hanging).rejects.toThrow('fetch failed');
  await doomed.close();
  await failure;
});

test('a fault that cannot be is refused with what to give instead', () => {
  expect(() => org.control.failNext({ kind: 'hang', times: 0 })).toThrow('1 or more');
  expect(() => org.control.failNext({ kind: 'drop', path: 'token' })).toThrow('slash');
});
