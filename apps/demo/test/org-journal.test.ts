import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Org, type TokenRequestRecord, tokenFingerprint } from '../src/org/index.js';
import { CLIENT_ID, ConnectedApp, startTestOrg } from './connected-app.js';

let org: Org;
let app: ConnectedApp;
let records: TokenRequestRecord[] = [];

beforeAll(async () => {
  org = await startTestOrg({ rotation: 'ROTATE', onTokenRequest: (record) => records.push(record) });
  app = new ConnectedApp(org);
});
beforeEach(() => {
  org.control.reset();
  records = [];
});
afterAll(() => org.close());

const untilRecorded = async (count: number): Promise<TokenRequestRecord[]> => {
  while (records.length < count) await new Promise((resolve) => setImmediate(resolve));
  return records;
};

describe('the journal of the token endpoint', () => {
  test('tells by fingerprint which refresh token came and which went out, for which grant', async () => {
    const first = await org.control.issueGrant({ user: 'ada@acme.test' });
    const answer = await app.refresh(first.refreshToken);
    const next = String(answer.json.refresh_token);
    expect(await untilRecorded(1)).toEqual([
      expect.objectContaining({
        grantType: 'refresh_token',
        grantId: first.grantId,
        usedRefreshToken: tokenFingerprint(first.refreshToken),
        issuedRefreshToken: tokenFingerprint(next),
        issuedAccessToken: tokenFingerprint(String(answer.json.access_token)),
        firstUsedAtMillis: expect.any(Number),
        status: 200,
        fault: null,
        delivered: true,
        familyRevoked: false,
      }),
    ]);
    expect(JSON.stringify(records)).not.toContain(first.refreshToken);
    expect(JSON.stringify(records)).not.toContain(next);
  });

  test('tells a rotation whose answer was lost from one that was delivered', async () => {
    const { refreshToken } = await org.control.issueGrant({ user: 'ada@acme.test' });
    org.control.failNext({ kind: 'drop_answer' });
    await expect(app.refresh(refreshToken)).rejects.toThrow('fetch failed');
    expect(await untilRecorded(1)).toMatchObject([
      { fault: 'drop_answer', delivered: false, status: 200, issuedRefreshToken: expect.any(String) },
    ]);
  });

  test('tells a call that a fault kept from the authorization server: nothing was used up', async () => {
    const { refreshToken } = await org.control.issueGrant({ user: 'ada@acme.test' });
    org.control.failNext({ kind: 'server_error' });
    await app.refresh(refreshToken);
    expect(await untilRecorded(1)).toMatchObject([
      { fault: 'server_error', status: 500, decidedAtMillis: null, firstUsedAtMillis: null },
    ]);
  });

  test('keeps the first use of a token where it is used again, and tells when its family is revoked for it', async () => {
    const { refreshToken, grantId } = await org.control.issueGrant({ user: 'ada@acme.test' });
    await app.refresh(refreshToken);
    await app.refresh(refreshToken);
    org.control.setGrace(0);
    expect((await app.refresh(refreshToken)).status).toBe(400);
    const [first, again, late] = await untilRecorded(3);
    expect(again?.firstUsedAtMillis).toBe(first?.firstUsedAtMillis);
    expect(again).toMatchObject({ status: 200, familyRevoked: false });
    expect(late).toMatchObject({ status: 400, familyRevoked: true, grantId });
  });

  test('writes down who the caller says it is', async () => {
    await app.send('/oauth2/v1/token', { method: 'POST', headers: { 'X-Sandbox-Caller': 'a#1' }, body: '' });
    expect(await untilRecorded(1)).toMatchObject([{ caller: 'a#1', usedRefreshToken: null, grantId: null }]);
  });
});

describe('a grant issued without a browser', () => {
  test('is a grant like any other: listed, refreshed, good at the API, and revoked', async () => {
    const { json } = await app.send('/control/api/grants/issue', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ user: 'grace@acme.test', scopes: 'openid offline_access okta.users.read' }),
    });
    expect(json).toMatchObject({ scopes: ['openid', 'offline_access', 'okta.users.read'] });
    expect(org.control.listGrants()).toMatchObject([
      { id: json.grantId, userEmail: 'grace@acme.test', clientId: CLIENT_ID },
    ]);
    expect((await app.api('/api/v1/users/me', String(json.accessToken))).status).toBe(200);
    const refreshed = await app.refresh(String(json.refreshToken));
    expect(refreshed.status).toBe(200);
    org.control.revokeGrants({ all: true });
    expect((await app.refresh(String(refreshed.json.refresh_token))).status).toBe(400);
  });

  test('is refused for a user the org does not have', async () => {
    await expect(org.control.issueGrant({ user: 'nobody@acme.test' })).rejects.toThrow('no user nobody');
  });
});
