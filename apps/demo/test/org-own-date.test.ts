import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Org } from '../src/org/index.js';
import { type Answer, ConnectedApp, newBrowser, startTestOrg } from './connected-app.js';

const HALF_HOUR_SECONDS = 1_800;

let org: Org;
let app: ConnectedApp;

beforeEach(async () => {
  org = await startTestOrg();
  app = new ConnectedApp(org);
});
afterEach(() => org.close());

const dateSeconds = ({ headers }: Answer) => Date.parse(headers.get('Date') ?? '') / 1000;

/** How far the org is ahead of this machine by what an answer says, to the nearest minute. */
const minutesAhead = (answer: Answer) => Math.round((dateSeconds(answer) - Date.now() / 1000) / 60);

test('an org whose clock was moved tells its own time in the Date of every answer to an app', async () => {
  const { access_token, refresh_token } = await app.connect();
  org.control.moveClock(HALF_HOUR_SECONDS);
  const answers = [
    await app.introspect(access_token),
    await app.refresh(refresh_token),
    await app.refresh('unknown'),
    await app.api('/api/v1/apps', access_token),
    await app.send('/.well-known/openid-configuration'),
    await app.send('/oauth2/v1/userinfo', { headers: { Authorization: `Bearer ${access_token}` } }),
    await app.revoke(access_token),
  ];
  expect(answers.map(minutesAhead)).toEqual(answers.map(() => 30));
});

test('absolute times are in the same clock as the Date: the end of a token and the reset of a limit', async () => {
  const { access_token, refresh_token } = await app.connect();
  org.control.moveClock(HALF_HOUR_SECONDS);

  const told = await app.introspect(access_token);
  const left = Number(told.json.exp) - dateSeconds(told);
  expect(left).toBeGreaterThan(HALF_HOUR_SECONDS - 10);
  expect(left).toBeLessThanOrEqual(HALF_HOUR_SECONDS + 1);

  const untilReset = (answer: Answer) =>
    Number(answer.headers.get('X-Rate-Limit-Reset')) - dateSeconds(answer);
  const counted = untilReset(await app.api('/api/v1/apps', access_token));
  expect(counted).toBeGreaterThan(50);
  expect(counted).toBeLessThanOrEqual(61);

  org.control.failNext({ kind: 'rate_limit' });
  const throttled = await app.refresh(refresh_token);
  expect(throttled.status).toBe(429);
  expect([1, 2]).toContain(untilReset(throttled));
});

test('pages keep the time of the machine: a browser measures by it when cookies end', async () => {
  org.control.moveClock(HALF_HOUR_SECONDS);
  const { headers, status } = await fetch(app.authorizeUrl(), { redirect: 'manual' });
  expect(status).toBe(303);
  expect(Math.abs(Date.parse(headers.get('Date') ?? '') - Date.now())).toBeLessThan(60_000);
  expect((await app.authorize('ada@acme.test', {}, newBrowser())).url.searchParams.get('code')).toBeTruthy();
});
