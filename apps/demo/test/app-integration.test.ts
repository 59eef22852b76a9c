import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ACCESS_TOKEN, API_KEY, AppUnderTest, CONNECTION, problem } from './app-with-fakes.js';

let app: AppUnderTest;
beforeEach(async () => {
  app = new AppUnderTest();
  await app.start();
  await app.open();
});
afterEach(async () => {
  await app.stop();
  // Whatever a test did: no answer of the app carried a secret.
  const everything = app.transcript.join('\n');
  expect(everything).not.toContain(API_KEY);
  expect(everything).not.toContain(ACCESS_TOKEN);
});

describe('a connect session', () => {
  it('is for the signed-in user, this integration and this origin, whatever the browser sends', async () => {
    const body = JSON.stringify({
      tenantId: 'org_other',
      userId: 'root',
      allowedOrigins: ['https://evil.test'],
    });
    const { status, json } = await app.ask(
      'POST',
      '/api/connect-session',
      { 'content-type': 'application/json' },
      body,
    );
    expect(status).toBe(201);
    expect(json).toEqual({ token: 'aps_session.token' });
    expect(app.fakes.lastOf('POST /v1/connect-sessions')).toEqual({
      call: 'POST /v1/connect-sessions',
      authorization: `Bearer ${API_KEY}`,
      body: {
        tenantId: 'org_acme',
        userId: 'user_123',
        integrations: ['okta'],
        allowedOrigins: [app.origin],
        returnUrl: `${app.origin}/`,
      },
    });
  });

  it('for the settings page lists and disconnects the user’s connections, and connects nothing, whatever is asked for', async () => {
    app.fakes.connections = [CONNECTION];
    const body = JSON.stringify({
      permissions: ['connect'],
      userId: 'root',
      connectionId: 'conn_of_another',
    });
    const headers = { 'content-type': 'application/json' };
    expect((await app.ask('POST', '/api/connect-session', headers, body)).status).toBe(201);
    expect(app.fakes.lastOf('POST /v1/connect-sessions')?.body).toEqual({
      tenantId: 'org_acme',
      userId: 'user_123',
      permissions: ['list', 'disconnect'],
      allowedOrigins: [app.origin],
    });
  });

  it('mends the connection that is there', async () => {
    app.fakes.connections = [{ ...CONNECTION, status: 'needs_reconnect', reason: 'revoked' }];
    await app.ask('POST', '/api/connect-session');
    expect(app.fakes.lastOf('POST /v1/connect-sessions')?.body).toMatchObject({ connectionId: 'conn_1' });
  });
});

describe('the integration', () => {
  it('shows what the page needs of the connection, and nothing more', async () => {
    app.fakes.connections = [CONNECTION];
    const { json } = await app.ask('GET', '/api/integration');
    expect(json).toMatchObject({
      organisation: 'Acme Inc.',
      connection: { id: 'conn_1', status: 'healthy' },
    });
    expect(Object.keys((json as { connection: object }).connection).sort()).toEqual([
      'account',
      'id',
      'missingScopes',
      'reason',
      'reconnectBy',
      'scopes',
      'since',
      'status',
      'verifiedAt',
      'version',
    ]);
  });

  it('leaves a connection with a label of its own alone', async () => {
    app.fakes.connections = [{ ...CONNECTION, label: 'second' }];
    expect((await app.ask('GET', '/api/integration')).json).toMatchObject({ connection: null });
  });

  it('writes down what changed while nobody clicked', async () => {
    const texts = async () => {
      const { json } = await app.ask('GET', '/api/integration');
      return (json as { activity: { text: string }[] }).activity.map(({ text }) => text);
    };
    expect(await texts()).toEqual([]);
    app.fakes.connections = [CONNECTION];
    await texts();
    app.fakes.connections = [{ ...CONNECTION, version: 2 }];
    await texts();
    app.fakes.connections = [{ ...CONNECTION, version: 2, status: 'needs_reconnect', reason: 'revoked' }];
    expect(await texts()).toEqual([
      'Needs reconnect: access was revoked at Okta',
      'Authpipe refreshed the credential (version 2)',
      'Okta was connected as ada@acme.test',
    ]);
  });
});

describe('the people', () => {
  it('are read from Okta with the credential', async () => {
    const { json } = await app.ask('GET', '/api/users');
    expect(json).toEqual({
      people: [{ id: '00u1', name: 'Ada Lovelace', email: 'ada@acme.test', status: 'ACTIVE' }],
    });
    expect(app.fakes.lastOf('GET /api/v1/users')?.authorization).toBe(`Bearer ${ACCESS_TOKEN}`);
  });

  it('that Okta refuses are told in Okta’s words, and the refusal is reported', async () => {
    app.fakes.answers.set('GET /api/v1/users', {
      status: 401,
      body: { errorCode: 'E0000011', errorSummary: 'Invalid token provided' },
    });
    const { status, json } = await app.ask('GET', '/api/users');
    expect(status).toBe(502);
    expect(json).toEqual({
      error: { code: 'okta_refused', message: 'Okta answered 401: Invalid token provided' },
    });
    expect(app.fakes.lastOf('POST /v1/connections/conn_1/report')?.body).toEqual({ status: 401, version: 1 });
  });

  it('that cannot be read because Okta is down are no reason for a report', async () => {
    app.fakes.answers.set('GET /api/v1/users', { status: 500, body: {} });
    expect((await app.ask('GET', '/api/users')).status).toBe(502);
    expect(app.fakes.calls()).not.toContain('POST /v1/connections/conn_1/report');
  });

  it.each([
    ['needs_reconnect', 409],
    ['connection_not_found', 404],
  ])('of a connection that is %s are a %d with that code', async (code, status) => {
    app.fakes.answers.set('GET /v1/credentials', { status, body: problem(code, status) });
    expect(await app.ask('GET', '/api/users')).toMatchObject({ status, json: { error: { code } } });
  });
});

describe('disconnect', () => {
  it('revokes at Okta, and says that it did', async () => {
    app.fakes.connections = [CONNECTION];
    await app.ask('GET', '/api/integration');
    expect((await app.ask('POST', '/api/disconnect')).status).toBe(204);
    expect(app.fakes.calls()).toContain('DELETE /v1/connections/conn_1');
    expect((await app.ask('GET', '/api/integration')).json).toMatchObject({
      connection: null,
      activity: [
        { text: 'Okta confirmed the revocation' },
        { text: 'Okta was disconnected' },
        { text: 'Okta was connected as ada@acme.test' },
      ],
    });
  });

  it('without a connection does nothing', async () => {
    expect((await app.ask('POST', '/api/disconnect')).status).toBe(204);
  });
});

it('“Check now” has Authpipe look at the connection', async () => {
  app.fakes.connections = [CONNECTION];
  expect((await app.ask('POST', '/api/check')).status).toBe(204);
  expect(app.fakes.calls()).toContain('POST /v1/connections/conn_1/check');
});

it('an error that nobody foresaw says nothing of the inside', async () => {
  const log = jest.spyOn(console, 'error').mockImplementation(() => {});
  app.fakes.answers.set('GET /api/v1/users', { status: 200, body: { not: 'a list' } });
  expect(await app.ask('GET', '/api/users')).toEqual({
    status: 500,
    json: { error: { code: 'internal_error', message: 'Something went wrong here. Try again.' } },
  });
  expect(log).toHaveBeenCalledTimes(1);
  log.mockRestore();
});

it('an unknown address is a 404', async () => {
  expect((await app.ask('GET', '/api/nothing')).status).toBe(404);
});
