import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ApiServer } from './api-server.js';
import { Stage } from './stage.js';

let stage: Stage;
beforeEach(async () => {
  stage = await Stage.set();
});
afterEach(() => stage.clear());

/** The API sends `/from` to a location, and answers everything else. */
const redirect = (status: number, location: string) => {
  stage.api.answer = ({ path }) =>
    path === '/from' ? { status, headers: { location }, json: {} } : { json: { ok: true } };
};

describe('a redirect on the API’s own origin', () => {
  const post = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', 'x-own': '1' } };
  it.each([
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [301, 'PUT', 'PUT'],
    [302, 'DELETE', 'DELETE'],
    [307, 'POST', 'POST'],
    [308, 'POST', 'POST'],
  ])('%i after %s is followed with %s and the credential', async (status, method, then) => {
    redirect(status, '/to?x=1');
    const response = await stage.client().fetch(stage.ref, '/from', { ...post, method });
    expect(await response.json()).toEqual({ ok: true });
    const [, second] = stage.api.calls;
    expect(second).toMatchObject({ method: then, path: '/to?x=1', body: then === 'GET' ? '' : '{}' });
    expect(second?.headers).toMatchObject({ authorization: 'Bearer secret-1', 'x-own': '1' });
    expect(second?.headers['content-type']).toBe(then === 'GET' ? undefined : 'application/json');
  });

  it.each(['GET', 'HEAD'])('keeps %s', async (method) => {
    redirect(303, `${stage.api.origin}/to`);
    await stage.client().fetch(stage.ref, '/from', { method });
    expect(stage.api.calls.map((call) => call.method)).toEqual([method, method]);
  });

  it('is not followed with a body that can not be sent again', async () => {
    redirect(307, '/to');
    const body = new Blob(['{}']).stream();
    const response = await stage.client().fetch(stage.ref, '/from', { method: 'POST', body });
    expect([response.status, stage.api.calls.length]).toEqual([307, 1]);
    expect(stage.api.calls[0]?.body).toBe('{}');
  });

  it('is followed five times and then handed back', async () => {
    stage.api.answer = () => ({ status: 302, headers: { location: '/again' } });
    const response = await stage.client().fetch(stage.ref, '/');
    expect([response.status, stage.api.calls.length]).toEqual([302, 6]);
  });

  it('does not hold the connection of the answer it leaves', async () => {
    stage.api.answer = ({ path }) =>
      path === '/from' ? { status: 302, headers: { location: '/to' }, endless: true } : { json: {} };
    expect((await stage.client().fetch(stage.ref, '/from')).status).toBe(200);
    while (stage.api.cutAnswers === 0) await new Promise(setImmediate);
  });
});

describe('a redirect to elsewhere', () => {
  let other: ApiServer;
  beforeEach(async () => {
    other = await ApiServer.start();
  });
  afterEach(() => other.stop());

  it.each<[string, (here: URL, there: URL) => string]>([
    ['another port', (_here, there) => `${there.origin}/to`],
    ['//', (_here, there) => `//${there.host}/to`],
    ['\\\\', (_here, there) => `\\\\${there.host}/to`],
    ['/\\', (_here, there) => `/\\${there.host}/to`],
    ['/ tab /', (_here, there) => `/\t/${there.host}/to`],
    ['the host as a user name', (here, there) => `http://${here.host}@${there.host}/to`],
    ['a user name', (here) => `http://me:secret@${here.host}/to`],
    ['another scheme', (here) => `https://${here.host}/to`],
    ['no URL', () => 'http://'],
  ])('by %s is handed back unfollowed', async (_name, location) => {
    redirect(302, location(new URL(stage.api.origin), new URL(other.origin)));
    const response = await stage.client().fetch(stage.ref, '/from');
    expect(response.status).toBe(302);
    expect(await response.json()).toEqual({});
    expect(stage.api.calls).toHaveLength(1);
    expect(other.calls).toEqual([]);
  });

  it('after one on the API’s origin is handed back too', async () => {
    stage.api.answer = ({ path }) => ({
      status: 302,
      headers: { location: path === '/from' ? '/next' : `${other.origin}/to` },
    });
    const response = await stage.client().fetch(stage.ref, '/from');
    expect(response.headers.get('location')).toBe(`${other.origin}/to`);
    expect([stage.api.calls.length, other.calls.length]).toEqual([2, 0]);
  });
});

describe('init.redirect', () => {
  it('manual hands back a redirect on the same origin', async () => {
    redirect(302, '/to');
    const response = await stage.client().fetch(stage.ref, '/from', { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, '/to']);
    expect(stage.api.calls).toHaveLength(1);
  });

  it('error rejects', async () => {
    redirect(302, '/to');
    await expect(stage.client().fetch(stage.ref, '/from', { redirect: 'error' })).rejects.toMatchObject({
      name: 'TypeError',
      cause: { message: 'unexpected redirect' },
    });
    expect(stage.api.calls).toHaveLength(1);
  });

  it('of a Request counts too', async () => {
    redirect(302, '/to');
    const request = new Request(`${stage.api.origin}/from`, { redirect: 'manual' });
    expect((await stage.client().fetch(stage.ref, request)).status).toBe(302);
  });
});
