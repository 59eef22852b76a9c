import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AppUnderTest } from './app-with-fakes.js';

let app: AppUnderTest;
beforeEach(async () => {
  app = new AppUnderTest();
  await app.start();
});
afterEach(() => app.stop());

describe('the page', () => {
  it('signs its visitor in with a cookie that scripts and other sites cannot use', async () => {
    const cookie = (await app.open()).headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^crewdesk_session=/);
    expect(cookie).toMatch(/; HttpOnly/);
    expect(cookie).toMatch(/; SameSite=Lax/);
    expect(cookie).toMatch(/; Path=\//);
  });

  it('of the settings is the same page', async () => {
    const response = await fetch(`${app.origin}/settings`);
    expect(response.headers.get('set-cookie')).toMatch(/^crewdesk_session=/);
    expect(await response.text()).toContain('Crewdesk');
  });

  it('keeps a session that is there', async () => {
    await app.open();
    const again = await fetch(`${app.origin}/`, { headers: { cookie: app.cookie } });
    expect(again.headers.get('set-cookie')).toBeNull();
  });

  it('lets scripts and forms go to itself and to Authpipe only', async () => {
    const policy = (await app.open()).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain(`connect-src 'self' ${app.fakes.url};`);
    expect(policy).toContain(`form-action 'self' ${app.fakes.url};`);
    expect(policy).toContain("frame-ancestors 'none'");
  });
});

describe('the API', () => {
  beforeEach(async () => {
    await app.open();
  });

  it('serves the signed-in user', async () => {
    expect((await app.ask('GET', '/api/integration')).status).toBe(200);
  });

  it('refuses who is not signed in', async () => {
    expect((await app.ask('GET', '/api/integration', { cookie: null })).status).toBe(401);
  });

  it('refuses a session that was changed', async () => {
    const [payload = '', signature] = app.cookie.slice('crewdesk_session='.length).split('.');
    const session = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
    const other = Buffer.from(JSON.stringify({ ...session, tenantId: 'org_other' })).toString('base64url');
    const { status } = await app.ask('GET', '/api/integration', {
      cookie: `crewdesk_session=${other}.${signature}`,
    });
    expect(status).toBe(401);
  });

  it('refuses a session without a signature', async () => {
    const [payload] = app.cookie.split('.');
    expect((await app.ask('GET', '/api/integration', { cookie: `${payload}.` })).status).toBe(401);
  });

  it('refuses a session after eight hours', async () => {
    app.now = new Date(app.now.getTime() + 8 * 3600 * 1000 - 1);
    expect((await app.ask('GET', '/api/integration')).status).toBe(200);
    app.now = new Date(app.now.getTime() + 1);
    expect((await app.ask('GET', '/api/integration')).status).toBe(401);
  });

  describe('makes no connect session for another site', () => {
    it.each([
      ['of another origin', { origin: 'https://evil.test' }],
      ['of a sibling’s page, as the browser tells', { 'sec-fetch-site': 'same-site' }],
      ['of another site, as the browser tells', { 'sec-fetch-site': 'cross-site', origin: null }],
      ['of a sandboxed frame', { origin: 'null' }],
      ['that does not say where it comes from', { origin: null, 'sec-fetch-site': null }],
    ])('by a request %s', async (_name, headers) => {
      expect((await app.ask('POST', '/api/connect-session', headers)).status).toBe(403);
      expect(app.fakes.calls()).toEqual([]);
    });
  });

  it.each([
    ['browsers that send no Sec-Fetch-Site', { 'sec-fetch-site': null }],
    ['browsers that send no Origin within a site', { origin: null }],
  ])('serves its own page in %s', async (_name, headers) => {
    expect((await app.ask('POST', '/api/connect-session', headers)).status).toBe(201);
  });

  it('answers under its own host name only, so that a rebound name reads nothing', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request(
        `${app.origin}/api/integration`,
        { headers: { cookie: app.cookie, host: 'evil.test' } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(421);
  });
});
