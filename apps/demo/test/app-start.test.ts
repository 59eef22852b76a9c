import { Authpipe } from '@authpipe/node';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { prepareAuthpipe } from '../src/app/prepare-authpipe.js';
import { readSettings } from '../src/app/settings.js';
import { API_KEY, Fakes, problem } from './app-with-fakes.js';

describe('the settings', () => {
  it('fit the demo where only the API key is given', () => {
    expect(readSettings({ AUTHPIPE_API_KEY: API_KEY })).toMatchObject({
      port: 4602,
      publicUrl: new URL('http://localhost:4602'),
      authpipeUrl: 'http://localhost:4600/',
      authpipePublicUrl: 'http://localhost:4600/',
      okta: { domain: 'localhost:4601', clientId: '0oademoauthpipe' },
    });
  });

  it('follow the environment', () => {
    const settings = readSettings({
      AUTHPIPE_API_KEY: API_KEY,
      AUTHPIPE_URL: 'http://authpipe.localhost:5600',
      AUTHPIPE_DEMO_APP_PORT: '5602',
      AUTHPIPE_DEMO_ORG_PORT: '5601',
      AUTHPIPE_DEMO_APP_URL: 'http://app.localhost:5602',
      AUTHPIPE_DEMO_CLIENT_ID: 'client',
      AUTHPIPE_DEMO_CLIENT_SECRET: 'secret',
    });
    expect(settings).toMatchObject({
      port: 5602,
      publicUrl: new URL('http://app.localhost:5602'),
      authpipePublicUrl: 'http://authpipe.localhost:5600/',
      okta: { domain: 'localhost:5601', clientId: 'client', clientSecret: 'secret' },
    });
  });

  it.each([
    [{}, 'Set AUTHPIPE_API_KEY'],
    [{ AUTHPIPE_API_KEY: API_KEY, AUTHPIPE_DEMO_APP_PORT: 'x' }, 'Set AUTHPIPE_DEMO_APP_PORT'],
    [{ AUTHPIPE_API_KEY: API_KEY, AUTHPIPE_URL: 'localhost' }, 'Set AUTHPIPE_URL'],
  ])('name the variable that is wrong: %j', (environment, message) => {
    expect(() => readSettings(environment)).toThrow(message);
  });
});

describe('before it starts', () => {
  let fakes: Fakes;
  let authpipe: Authpipe;
  beforeEach(async () => {
    fakes = new Fakes();
    await fakes.listen();
    authpipe = new Authpipe({ apiKey: API_KEY, baseUrl: fakes.url });
  });
  afterEach(async () => {
    authpipe.close();
    await fakes.close();
  });
  const prepare = (signal = new AbortController().signal) =>
    prepareAuthpipe(
      authpipe,
      {
        authpipeUrl: fakes.url,
        okta: { domain: 'localhost:4601', clientId: 'client', clientSecret: 'secret' },
      },
      signal,
    );

  it('the app waits until Authpipe is ready, then tells it of its client at Okta', async () => {
    fakes.notReadyTimes = 2;
    await prepare();
    expect(fakes.calls()).toEqual(['GET /readyz', 'GET /readyz', 'GET /readyz', 'PUT /v1/integrations/okta']);
    expect(fakes.lastOf('PUT /v1/integrations/okta')?.body).toEqual({
      provider: 'okta',
      clientId: 'client',
      clientSecret: 'secret',
      scopes: ['openid', 'profile', 'email', 'okta.users.read', 'okta.groups.read'],
      config: { domain: 'localhost:4601' },
    });
  });

  it('a refusal by Authpipe is told', async () => {
    fakes.answers.set('PUT /v1/integrations/okta', { status: 403, body: problem('forbidden', 403) });
    await expect(prepare()).rejects.toThrow('It is forbidden.');
  });

  it('waiting ends when the app is stopped', async () => {
    fakes.notReadyTimes = Number.POSITIVE_INFINITY;
    const stopping = new AbortController();
    const preparing = prepare(stopping.signal);
    stopping.abort();
    await expect(preparing).rejects.toThrow();
  });
});
