import { findProvider, type OAuthCodeMethod } from '@authpipe/providers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Org, type OrgClient, startOrg } from '../../demo/src/org/index.js';
import { systemClock } from '../src/clock.js';
import { createClientKey } from '../src/integrations/client-key.js';
import { createOAuth } from '../src/oauth/create-oauth.js';
import { recordingLog } from './support/connect-world.js';
import { startTypedProvider, type TypedProvider } from './support/typed-provider.js';

const REDIRECT_URI = 'http://localhost:4600/connect/callback';
const SECRET = 'planted-secret';
const { log } = recordingLog();
const oauth = createOAuth({ allowLoopback: true, clock: systemClock, log });
const okta = findProvider('okta');
if (!okta) throw new Error('The catalogue has no Okta.');
const methodOf = (id: string): OAuthCodeMethod => {
  const method = okta.authMethods.find((each) => each.id === id);
  if (method?.kind !== 'oauth2') throw new Error(`Okta has no sign-in ${id}.`);
  return method;
};

let org: Org | undefined;
let other: TypedProvider | undefined;
afterEach(async () => {
  await org?.close();
  await other?.close();
  org = undefined;
  other = undefined;
});

const start = async (client: Partial<OrgClient> = {}): Promise<Org> => {
  const base = { clientId: '0oasetup', clientSecret: SECRET, redirectUris: [REDIRECT_URI] };
  org = await startOrg({ port: 0, clients: [{ ...base, ...client }] });
  return org;
};

const preflight = (
  { url }: { url: string },
  { clientSecret = SECRET, scopes = ['openid', 'okta.users.read', 'offline_access'] } = {},
) =>
  oauth.preflight(
    {
      definition: okta,
      method: methodOf('user_oauth'),
      config: { domain: new URL(url).host },
      client: { clientId: '0oasetup', clientSecret },
    },
    { redirectUri: REDIRECT_URI, scopes },
  );

const missingOf = ({ findings }: Awaited<ReturnType<typeof preflight>>) =>
  findings.filter(({ result }) => result === 'missing').map(({ step }) => step);

describe('the trial of an OAuth app', () => {
  it('finds nothing missing where all is well, and leaves nothing behind', async () => {
    const found = await preflight(await start());
    expect(found).toEqual({
      findings: ['address', 'client', 'grant_types', 'redirect_uri', 'scopes'].map((step) => ({
        ...{ step, result: 'ok' },
      })),
      demandsDpop: false,
    });
    expect(org?.control.listGrants()).toEqual([]);
  });

  it.each<[string, Partial<OrgClient>, object, string]>([
    ['a wrong secret', {}, { clientSecret: 'planted-wrong' }, 'client'],
    ['an app that is not there', { clientId: '0oaother' }, {}, 'client'],
    ['no refresh tokens', { grantTypes: ['authorization_code'] }, {}, 'grant_types'],
    ['another redirect URI', { redirectUris: ['http://localhost:4600/other'] }, {}, 'redirect_uri'],
    ['scopes that are not granted', { scopes: [] }, {}, 'scopes'],
    ['scopes that nobody knows', {}, { scopes: ['openid', 'okta.unknown'] }, 'scopes'],
  ])('names the step for %s', async (_what, client, given, step) => {
    expect(missingOf(await preflight(await start(client), given))).toEqual([step]);
  });

  it('says that tokens have to be bound to a key, and goes on with one', async () => {
    const running = await start({ dpop: true, scopes: [] });
    running.control.setDpopNonce(true);
    const found = await preflight(running);
    expect(found.demandsDpop).toBe(true);
    expect(missingOf(found)).toEqual(['scopes']);
  });

  it('signs with a key, and is refused with one that the org does not know', async () => {
    const known = await createClientKey();
    const stranger = await createClientKey();
    const { url } = await start({ publicKeys: [known.publicJwk] });
    const asked = (clientKey: typeof known.privateJwk) =>
      oauth.preflight(
        {
          definition: okta,
          method: methodOf('user_oauth_key'),
          config: { domain: new URL(url).host },
          client: { clientId: '0oasetup', clientSecret: null, clientKey },
        },
        { redirectUri: REDIRECT_URI, scopes: ['openid'] },
      );
    expect(missingOf(await asked(known.privateJwk))).toEqual([]);
    expect(missingOf(await asked(stranger.privateJwk))).toEqual(['client']);
  });

  it('says that nothing of OAuth is at an address', async () => {
    other = await startTypedProvider();
    const found = await preflight({ url: `http://${other.host}` });
    expect(found.findings).toMatchObject([{ step: 'address', result: 'missing' }]);
    expect(JSON.stringify(found)).not.toContain(SECRET);
  });

  it('claims nothing where the token endpoint breaks', async () => {
    const running = await start();
    running.control.failNext({ kind: 'server_error' });
    const found = await preflight(running);
    expect(found.findings).toEqual([
      { step: 'address', result: 'ok' },
      { step: 'client', result: 'unknown' },
    ]);
  });
});
