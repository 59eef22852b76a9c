import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import express from 'express';
import request from 'supertest';
import { createConnectRouter } from '../src/http/connect/connect-router.js';
import {
  APP_ORIGIN,
  type ConnectWorld,
  newSession,
  recordingLog,
  startConnectWorld,
} from './support/connect-world.js';

let world: ConnectWorld;
beforeAll(async () => {
  world = await startConnectWorld();
  await world.setUp();
});
afterAll(() => world.close());

const appAt = (publicUrl: string) => {
  const { log, lines } = recordingLog();
  const app = express();
  app.use(createConnectRouter({ ...world, allowLoopback: true, publicUrl, log }));
  return { app, lines };
};

describe('the pages behind TLS', () => {
  it('have cookies that neighbouring subdomains can not set, and demand TLS', async () => {
    const { token } = await newSession(world);
    const { app } = appAt('https://authpipe.example.com');
    const answer = await request(app).post('/connect').set('Origin', APP_ORIGIN).type('form').send({ token });
    expect(String(answer.headers['set-cookie'])).toMatch(/^__Host-authpipe_opening_sess_.*Path=\/;.*Secure/);
    expect(String(answer.headers['set-cookie'])).not.toContain('Domain');
    expect(answer.headers['strict-transport-security']).toContain('max-age=31536000');
    expect(answer.headers['content-security-policy']).not.toContain(' http:;');
  });
});

describe('a search', () => {
  // The date alone stands still: on a slow machine the minute would be over before the limit is met.
  beforeEach(
    () =>
      void jest.useFakeTimers({
        doNotFake: [
          'hrtime',
          'nextTick',
          'performance',
          'queueMicrotask',
          'setImmediate',
          'clearImmediate',
          'setInterval',
          'clearInterval',
          'setTimeout',
          'clearTimeout',
        ],
      }),
  );
  afterEach(() => void jest.useRealTimers());

  type Ask = (app: express.Express) => request.Test;
  it.each<[string, number, number, Ask]>([
    ['codes of links', 240, 404, (app) => request(app).get('/connect?code=x')],
    ['tokens', 240, 404, (app) => request(app).post('/connect').set('Origin', APP_ORIGIN).send('token=x')],
    ['states', 240, 400, (app) => request(app).get('/connect/callback?state=x&code=y')],
    ['sessions', 240, 404, (app) => request(app).get(`/connect/sess_${'A'.repeat(22)}`)],
    ['tokens by the button’s look', 3_000, 401, (app) => request(app).get('/connect/session')],
  ])('for %s meets a limit', async (_what, perMinute, answered, ask) => {
    const { app } = appAt(world.publicUrl);
    const statuses: number[] = [];
    while (statuses.length < perMinute) statuses.push((await ask(app)).status);
    expect(new Set(statuses)).toEqual(new Set([answered]));
    const refused = await ask(app);
    expect(refused.status).toBe(429);
    expect(refused.headers['retry-after']).toBe('60');
    jest.setSystemTime(Date.now() + 60_000);
    expect((await ask(app)).status).toBe(answered);
  });
});

describe('a failure of ours', () => {
  it('is a page without any of its text, and a line in the log', async () => {
    const { log, lines } = recordingLog();
    const connect = {
      ...world.connect,
      peekLink: () => Promise.reject(new Error('the database says planted-detail')),
    };
    const app = express();
    app.use(
      createConnectRouter({
        ...world,
        connect,
        allowLoopback: true,
        log,
      }),
    );
    const answer = await request(app).get('/connect?code=x');
    expect(answer.status).toBe(500);
    expect(answer.text).toContain('Something went wrong here');
    expect(answer.text).not.toContain('planted-detail');
    expect(lines.join('')).toContain('planted-detail');
  });

  it('of a form that is too large is a page', async () => {
    const { app } = appAt(world.publicUrl);
    const answer = await request(app)
      .post('/connect')
      .set('Origin', APP_ORIGIN)
      .type('form')
      .send({ token: 'x'.repeat(20_000) });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('could not be read');
  });
});
