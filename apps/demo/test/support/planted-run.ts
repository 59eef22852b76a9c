import { createHash, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Authpipe } from '@authpipe/node';
import { createBrowser, type Page } from '../../src/walk/index.js';
import { beginConnect, connect, newSession, openByButton, signIn, signInAndAllow } from './connecting.js';
import type { RunningDemo } from './running-demo.js';
import type { Place, Secret } from './secret-search.js';

const newSecret = () => randomBytes(32).toString('base64url');

/** A run through all that the product does with secrets, good and bad, and what was planted and seen on the way. */
export interface PlantedRun {
  readonly secrets: Secret[];
  /** Errors and error answers, serialised in every way that programs do. */
  readonly told: Place[];
  /** A trip to the org that is still under way: its verifier and nonce are in the database. */
  readonly consentPage: Page;
}

/** Does it all. Some of the work goes wrong on purpose, where errors could take secrets along. */
export async function runWithPlantedSecrets(demo: RunningDemo): Promise<PlantedRun> {
  const { authpipe, org, settings, clientSecret } = demo;
  const secrets: Secret[] = [
    { name: 'API key', value: settings.apiKey },
    { name: 'root key', value: settings.rootKey },
    { name: 'client secret', value: clientSecret },
  ];
  const told: Place[] = [
    { name: 'the client, printed', text: inspect(authpipe, { showHidden: true, depth: 9 }) },
  ];
  const plant = (name: string): string => {
    const value = newSecret();
    secrets.push({ name, value });
    return value;
  };
  const fails = async (what: string, call: Promise<unknown>): Promise<void> => {
    const error: unknown = await call.then(
      () => {
        throw new Error(`${what} did not fail.`);
      },
      (failure: unknown) => failure,
    );
    const ways = [String(error), JSON.stringify(error), inspect(error, { showHidden: true, depth: 9 })];
    told.push({ name: `error: ${what}`, text: ways.join('\n') });
  };
  const asks = async (what: string, path: string, init: RequestInit = {}): Promise<void> => {
    const headers = { Authorization: `Bearer ${settings.apiKey}`, 'Content-Type': 'application/json' };
    const answer = await fetch(new URL(path, demo.server.url), { headers, redirect: 'manual', ...init });
    if (answer.ok) throw new Error(`${what} was answered ${answer.status}.`);
    const text = `${JSON.stringify([...answer.headers])}\n${await answer.text()}`;
    told.push({ name: `answer: ${what}`, text });
  };
  const keep = (session: { token: string; url: string }) => {
    secrets.push({ name: 'session token', value: session.token.split('.')[1] ?? '' });
    secrets.push({ name: 'link code', value: new URL(session.url).searchParams.get('code') ?? '' });
    return session;
  };
  const shown = (what: string, page: Page) => told.push({ name: `page: ${what}`, text: page.html });

  // A connection by the button, its rotations, and one whose answer is lost.
  const first = await beginConnect(demo);
  keep(first.session);
  shown('done', await signInAndAllow(first.hosted));
  const connectionId = (await authpipe.getConnectSession(first.session.id)).connection?.id ?? '';
  for (let rotation = 0; rotation < 3; rotation += 1) await authpipe.refreshConnection(connectionId);
  for (const kind of ['server_error', 'rate_limit', 'drop'] as const) {
    org.control.failNext({ kind, times: 9 });
    await authpipe.refreshConnection(connectionId).catch((error: unknown) => error);
    org.control.clearFaults();
  }
  org.control.breakClientSecret();
  await authpipe.refreshConnection(connectionId).catch((error: unknown) => error);
  await authpipe.checkConnection(connectionId).catch((error: unknown) => error);
  org.control.restoreClientSecret();
  await authpipe.refreshConnection(connectionId);

  // By a link, with a challenge: the grant waits, sealed, for a backend that brings the wrong verifier.
  const codeVerifier = plant('the backend’s code verifier');
  const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
  const linked = keep(await newSession(demo, { userId: 'user_link', codeChallenge })) as typeof first.session;
  const link = await createBrowser().open(linked.url);
  shown('almost done', await signInAndAllow(await link.submit({ button: 'Continue' })));
  shown('link used before', await createBrowser().open(linked.url));
  await fails(
    'a wrong code verifier',
    authpipe.finishConnectSession(linked.id, plant('a wrong code verifier')),
  );

  // A code whose exchange fails, and its callback once more.
  const failing = await beginConnect(demo, { userId: 'user_failing' });
  keep(failing.session);
  const consent = await signIn(failing.hosted);
  org.control.failNext({ kind: 'server_error', times: 9 });
  shown('the exchange failed', await consent.submit({ button: 'Allow access' }));
  org.control.clearFaults();
  const callback = failing.browser.visited.find((url) => url.includes('/connect/callback')) ?? '';
  secrets.push({ name: 'state', value: new URL(callback).searchParams.get('state') ?? '' });
  shown('a callback that comes again', await failing.browser.open(callback));
  shown('somebody else’s callback', await createBrowser().open(callback));

  // A repeatable request, whose answer is kept: it holds a token.
  const repeated = { tenantId: 'org_acme', userId: 'user_repeated' };
  keep(await authpipe.createConnectSession(repeated, { idempotencyKey: 'repeated-request' }));

  // Brought in from elsewhere, and named secrets.
  const owner = { tenantId: 'org_other', owner: 'tenant' } as const;
  const imported = await authpipe.importConnection({
    ...{ provider: 'okta', ...owner, config: { domain: new URL(org.url).host } },
    credential: { webhookSecret: plant('imported secret') },
  });
  await authpipe.putSecret(connectionId, 'webhook', plant('named secret'));
  await authpipe.putSecret(imported.id, 'webhook', plant('named secret of another tenant'));
  const tokens = {
    accessToken: plant('imported access token'),
    refreshToken: plant('imported refresh token'),
  };
  const stale = await authpipe.importConnection({
    ...{ provider: 'okta', tenantId: 'org_acme', userId: 'user_imported', credential: tokens },
  });
  await authpipe.refreshConnection(stale.id).catch((error: unknown) => error);

  // Requests that are wrong and hold secrets.
  const body = (value: unknown) => ({ method: 'POST', body: JSON.stringify(value) });
  const planted = () => plant('secret in a wrong request');
  const wrongKey = `ap_test_${planted()}`;
  await asks('an unknown key', '/v1/connections', { headers: { Authorization: `Bearer ${wrongKey}` } });
  await asks('an import of a wrong form', '/v1/connections', body({ provider: 'okta', apiKey: planted() }));
  const apiKey = planted();
  await asks(
    'a key without its host',
    '/v1/connections',
    body({ ...owner, provider: 'jumpcloud', credential: { apiKey } }),
  );
  await asks('a wrong field', '/v1/connections', body({ ...owner, provider: 'jumpcloud', token: planted() }));
  await asks('JSON that breaks off', '/v1/connections', { method: 'POST', body: `{"apiKey": "${planted()}` });
  await asks('a client secret for no host', '/v1/integrations/elsewhere', {
    method: 'PUT',
    body: JSON.stringify({
      provider: 'okta',
      clientId: 'x',
      clientSecret: planted(),
      config: { domain: '10.0.0.1' },
    }),
  });
  await asks('a secret with a wrong name', `/v1/connections/${connectionId}/secrets/NOT%20A%20NAME`, {
    method: 'PUT',
    body: JSON.stringify({ value: planted() }),
  });
  await asks('an unknown path', `/v1/${planted()}`);
  await asks('an unknown link', `/connect?code=${planted()}`);
  await asks('an unknown callback', `/connect/callback?code=${planted()}&state=${planted()}`);
  const bearer = { Authorization: `Bearer aps_aHR0cDovL2xvY2FsaG9zdA.${planted()}` };
  await asks('an unknown session token', '/connect/session', { headers: bearer });
  using wrong = new Authpipe({ apiKey: `ap_test_${planted()}`, baseUrl: demo.server.url });
  await fails('a read with an unknown key', wrong.getCredential({ connectionId }));
  using nowhere = new Authpipe({ apiKey: settings.apiKey, baseUrl: 'http://localhost:1' });
  await fails('a read from no server', nowhere.getCredential({ connectionId }));

  // The end: revoked at the org, noticed, read; another one deleted.
  const doomed = await connect(demo, 'grace@acme.test', { userId: 'user_doomed' });
  await authpipe.deleteConnection(doomed);
  org.control.revokeGrants({ user: 'ada@acme.test' });
  await authpipe.checkConnection(connectionId);
  await fails('a read of a dead grant', authpipe.getCredential({ connectionId }));
  await fails('a refresh of a dead grant', authpipe.refreshConnection(connectionId));

  // Again, since something has to be sealed in the database when it is looked at.
  await connect(demo, 'ada@acme.test', { connectionId });
  const pending = keep(await newSession(demo, { userId: 'user_pending' })) as typeof first.session;
  const consentPage = await signIn(await openByButton(demo, createBrowser(), pending.token));
  return { secrets, told, consentPage };
}
