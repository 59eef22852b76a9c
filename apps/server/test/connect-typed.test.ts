import { createHash } from 'node:crypto';
import type { TypedMethod } from '@authpipe/providers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  APP_ORIGIN,
  type ConnectWorld,
  createBrowser,
  ENVIRONMENT,
  newSession,
  type Page,
  pressButton,
  startConnectWorld,
  stateOf,
} from './support/connect-world.js';
import {
  startTypedProvider,
  TYPED_METHODS,
  type TypedProvider,
  typedDefinition,
} from './support/typed-provider.js';

const KEY = 'tk_plantedkey';
const methods: [TypedMethod, ...TypedMethod[]] = [
  TYPED_METHODS.api_key,
  TYPED_METHODS.basic,
  TYPED_METHODS.webhook_secret,
  TYPED_METHODS.client_credentials,
];
let world: ConnectWorld;
let provider: TypedProvider;
let users = 0;

beforeAll(async () => {
  world = await startConnectWorld({ definition: typedDefinition(methods) });
});
afterAll(() => world.close());
beforeEach(async () => {
  users += 1;
  provider = await startTypedProvider();
});
afterEach(() => provider.close());

const session = (more: Parameters<typeof newSession>[1] = {}) =>
  newSession(world, {
    userId: `user_${users}`,
    integrations: ['typed'],
    config: { site: provider.host },
    ...more,
  });

/** From the button to the form of one kind. */
const openForm = async (
  made: { id: string; token: string },
  kind: TypedMethod['kind'],
  browser = createBrowser(),
): Promise<Page> => {
  const choice = await pressButton(world, browser, made, { integration: 'typed' });
  const link = choice.root
    .querySelectorAll('a.option')
    .find((each) => each.getAttribute('href')?.endsWith(`typed.${TYPED_METHODS[kind].id}`));
  return browser.open(new URL(link?.getAttribute('href') ?? '', world.publicUrl));
};

const typeKey = (page: Page, key = KEY): Promise<Page> =>
  page.submit({ fields: { 'credential.apiKey': key }, button: 'Check and connect' });

const storedOf = async (made: { id: string }) => {
  const { connection } = await stateOf(world, made);
  return connection ? world.credentials.openCredential(connection.id, ENVIRONMENT) : null;
};

const connectionCount = () => world.db.prisma.connection.count();

describe('the hosted form of each kind', () => {
  const GOOD: Record<TypedMethod['kind'], Record<string, string>> = {
    api_key: { 'credential.apiKey': KEY },
    basic: { 'credential.username': 'robot', 'credential.password': ' planted pass ' },
    webhook_secret: { 'credential.webhookSecret': 'planted-webhook' },
    client_credentials: { 'credential.clientId': 'own', 'credential.clientSecret': 'planted-secret' },
  };

  it.each(Object.keys(GOOD) as TypedMethod['kind'][])('makes a connection of %s', async (kind) => {
    provider.answer = (path) =>
      path === '/token'
        ? { status: 200, body: { access_token: 'planted-token', token_type: 'bearer', expires_in: 600 } }
        : { status: 200 };
    const made = await session();
    const done = await (await openForm(made, kind)).submit({
      fields: GOOD[kind],
      button: 'Check and connect',
    });
    expect(done.text).toContain('Connected');
    const stored = await storedOf(made);
    expect(stored?.connection).toMatchObject({
      kind,
      integrationId: 'typed',
      authMethod: TYPED_METHODS[kind].id,
      status: kind === 'webhook_secret' ? 'unverified' : 'healthy',
      config: { site: provider.host },
    });
    const typed = Object.fromEntries(
      Object.entries(GOOD[kind]).map(([name, value]) => [name.replace('credential.', ''), value]),
    );
    expect(stored?.secrets).toMatchObject(
      kind === 'client_credentials' ? { client: typed, accessToken: 'planted-token' } : typed,
    );
  });

  it('asks the provider with what was typed before it keeps it', async () => {
    await typeKey(await openForm(await session(), 'api_key'));
    expect(provider.asked.map(({ path, headers }) => [path, headers['x-typed-key']])).toEqual([['/me', KEY]]);
    provider.asked.length = 0;
    const pair = await openForm(await session({ label: 'pair' }), 'basic');
    await pair.submit({ fields: GOOD.basic, button: 'Check and connect' });
    expect(provider.asked[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('robot: planted pass ').toString('base64')}`,
    );
  });

  it('leaves out space that was copied along, but not that of a password', async () => {
    const made = await session();
    await typeKey(await openForm(made, 'api_key'), ` ${KEY}\r\n`);
    expect((await storedOf(made))?.secrets).toMatchObject({ apiKey: KEY });
  });
});

describe('the hosted form', () => {
  it('is made from the definition: label, example, hint, where to find it', async () => {
    const page = await openForm(await session(), 'api_key');
    const input = page.root.querySelector('[name="credential.apiKey"]');
    expect(input?.getAttribute('type')).toBe('password');
    expect(input?.getAttribute('placeholder')).toBe('tk_0123456789');
    expect(input?.getAttribute('autocomplete')).toBe('off');
    const id = input?.getAttribute('id') ?? '';
    expect(page.root.querySelector(`label[for="${id}"]`)?.textContent).toBe('API key');
    const hint = page.root.querySelector(`#${input?.getAttribute('aria-describedby')}`);
    expect(hint?.textContent).toContain('Under Settings, Keys.');
    expect(hint?.querySelector('a')?.getAttribute('href')).toBe('https://typed.test/key');
    expect(page.text).toContain('app.example.test');
    expect(page.root.querySelectorAll('script')).toHaveLength(0);
    expect(page.html).not.toContain('Your password stays with the provider');
  });

  it('says beside the field what does not look right, gives it the focus, and asks nobody', async () => {
    const page = await typeKey(await openForm(await session(), 'api_key'), 'tk_planted-wrong');
    expect(page.status).toBe(422);
    const input = page.root.querySelector('[name="credential.apiKey"]');
    expect(input?.getAttribute('aria-invalid')).toBe('true');
    expect(input?.hasAttribute('autofocus')).toBe(true);
    const [errorId] = (input?.getAttribute('aria-describedby') ?? '').split(' ');
    expect(page.root.querySelector(`#${errorId}`)?.textContent).toContain('does not look like an API key');
    expect(page.title).toMatch(/^Error: /);
    expect(page.html).not.toContain('planted');
    expect(provider.asked).toEqual([]);
  });

  it('tells of all faults at once, and keeps what was typed that is no secret', async () => {
    const made = await session({ config: {} });
    const form = await openForm(made, 'basic');
    const page = await form.submit({
      fields: { 'config.site': 'evil.test', 'credential.username': 'robot', 'credential.password': '' },
      button: 'Check and connect',
    });
    expect(page.text).toContain('That is no site of Typed.');
    expect(page.text).toContain('Password is missing.');
    expect(page.root.querySelectorAll('[autofocus]')).toHaveLength(1);
    expect(page.root.querySelector('[name="credential.username"]')?.getAttribute('value')).toBe('robot');
    expect(page.root.querySelector('[name="credential.password"]')?.getAttribute('value')).toBe('');
    expect(page.root.querySelector('[name="config.site"]')?.getAttribute('value')).toBe('evil.test');
  });

  it.each([
    [401, 'does not accept this key'],
    [403, 'knows it, but it may not do what the connection needs'],
    [503, 'does not answer now'],
  ])('keeps nothing where the provider answers %i, and says why', async (status, words) => {
    const before = await connectionCount();
    provider.answer = () => ({ status });
    const made = await session();
    const page = await typeKey(await openForm(made, 'api_key'));
    expect(page.status).toBe(422);
    expect(page.text).toContain(words);
    expect(page.html).not.toContain(KEY);
    expect(await connectionCount()).toBe(before);
    expect((await stateOf(world, made)).status).toBe('pending');
    provider.answer = () => ({ status: 200 });
    expect((await typeKey(page)).text).toContain('Connected');
  });

  it('keeps nothing where the provider hangs up, or refuses a client', async () => {
    const before = await connectionCount();
    provider.answer = () => null;
    expect((await typeKey(await openForm(await session(), 'api_key'))).text).toContain('does not answer now');
    provider.answer = () => ({ status: 401, body: { error: 'invalid_client' } });
    const page = await (await openForm(await session(), 'client_credentials')).submit({
      fields: { 'credential.clientId': 'own', 'credential.clientSecret': 'planted-secret' },
      button: 'Check and connect',
    });
    expect(page.text).toContain('does not accept this client ID and secret');
    expect(page.html).not.toContain('planted-secret');
    expect(page.root.querySelector('[name="credential.clientId"]')?.getAttribute('value')).toBe('own');
    expect(await connectionCount()).toBe(before);
  });

  it('keeps unverified what the provider neither takes nor refuses', async () => {
    provider.answer = () => ({ status: 404 });
    const made = await session();
    await typeKey(await openForm(made, 'api_key'));
    expect((await stateOf(world, made)).connection?.status).toBe('unverified');
  });

  it('works once: a second form of the session makes nothing', async () => {
    const made = await session();
    const browser = createBrowser();
    const form = await openForm(made, 'api_key', browser);
    await typeKey(form);
    provider.asked.length = 0;
    expect((await typeKey(form, 'tk_otherkey12')).status).toBe(409);
    expect(provider.asked).toEqual([]);
    expect((await storedOf(made))?.secrets).toMatchObject({ apiKey: KEY });
  });

  it('makes nothing for a person who cancelled while the provider was asked', async () => {
    const made = await session();
    const browser = createBrowser();
    const form = await openForm(made, 'api_key', browser);
    const found = await world.connect.readByToken(made.token);
    provider.answer = () => {
      void world.connect.cancelSession(found.session);
      return { status: 200 };
    };
    const before = await connectionCount();
    await typeKey(form);
    expect((await stateOf(world, made)).error?.code).toBe('cancelled');
    expect(await connectionCount()).toBe(before);
  });

  it('is nobody’s who posts from another site, or in another browser', async () => {
    const made = await session();
    const browser = createBrowser();
    const page = await openForm(made, 'api_key', browser);
    const fields = { option: 'typed.api_key', 'credential.apiKey': KEY };
    const elsewhere = await browser.post(`${world.publicUrl}/connect/${made.id}/save`, fields, {
      origin: APP_ORIGIN,
    });
    expect(elsewhere.status).toBe(403);
    const stranger = await createBrowser().post(`${world.publicUrl}/connect/${made.id}/save`, fields, {
      origin: world.publicUrl,
    });
    expect(stranger.status).toBe(403);
    expect(provider.asked).toEqual([]);
    expect((await typeKey(page)).text).toContain('Connected');
  });

  it('writes an audit line for what was refused and for what was made', async () => {
    const made = await session();
    provider.answer = () => ({ status: 401 });
    const page = await typeKey(await openForm(made, 'api_key'));
    provider.answer = () => ({ status: 200, body: {} });
    await typeKey(page);
    const lines = world.logLines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ sessionId, audit }) => sessionId === made.id && audit !== undefined);
    expect(lines).toMatchObject([
      { audit: 'connect.failed', outcome: 'refused', tenantId: 'org_acme' },
      { audit: 'connect.completed', outcome: 'complete', connectionId: expect.stringMatching(/^conn_/) },
    ]);
  });

  it('leaves no secret in the log, in events or in clear in the database', async () => {
    await typeKey(await openForm(await session(), 'api_key'));
    expect(world.logLines.join('\n')).not.toContain(KEY);
    const [{ text }] = (await world.db.query<{ text: string }>(
      'all_text',
      `SELECT (SELECT string_agg(e::text, ' ') FROM events e) || (SELECT string_agg(c::text, ' ') FROM connections c) ||
        (SELECT string_agg(encode(k.envelope, 'escape'), ' ') FROM credentials k) AS text`,
      [],
    )) as [{ text: string }];
    expect(text).toContain('"typed"');
    expect(text).not.toContain(KEY);
  });
});

describe('a session', () => {
  it('offers what needs no setting up only where it is named', async () => {
    await expect(newSession(world, { userId: 'nobody' })).rejects.toThrow('No integration is set up');
    const made = await session({ integrations: ['typed', 'jumpcloud'] });
    const page = await pressButton(world, createBrowser(), made, { integration: 'jumpcloud' });
    expect(page.text).toContain('Connect JumpCloud');
    expect(page.root.querySelector('select[name="config.region"]')).not.toBeNull();
  });

  it('does not fall back to a form where a sign-in is not set up', async () => {
    await expect(newSession(world, { userId: 'nobody', integrations: ['okta'] })).rejects.toThrow('okta');
  });

  it('mends a connection in the way in which it was made, under the same id', async () => {
    const first = await session();
    await typeKey(await openForm(first, 'api_key'));
    const { connection } = await stateOf(world, first);
    const again = await session({ integrations: undefined, config: undefined, connectionId: connection?.id });
    const form = await pressButton(world, createBrowser(), again, { integration: 'typed' });
    expect(form.text).toContain('Reconnect Typed');
    expect(form.text).toContain(provider.host);
    await typeKey(form, 'tk_secondkey1');
    expect((await stateOf(world, again)).connection?.id).toBe(connection?.id);
    expect((await storedOf(again))?.secrets).toMatchObject({ apiKey: 'tk_secondkey1' });
  });

  it('with a code challenge keeps the key sealed until the backend proves itself', async () => {
    const verifier = 'v'.repeat(43);
    const codeChallenge = createHash('sha256').update(verifier).digest('base64url');
    const before = await connectionCount();
    const made = await session({ codeChallenge });
    const done = await typeKey(await openForm(made, 'api_key'));
    expect(done.text).toContain('Almost done');
    expect((await stateOf(world, made)).status).toBe('awaiting_finish');
    expect(await connectionCount()).toBe(before);
    const [held] = await world.db.prisma.heldCredential.findMany({ where: { sessionId: made.id } });
    expect(Buffer.from(held?.envelope ?? []).toString('latin1')).not.toContain(KEY);
    const finish = (codeVerifier: string) =>
      world.connect.finishSession(ENVIRONMENT, made.id, codeVerifier, null);
    await expect(finish('w'.repeat(43))).rejects.toThrow('verifier');
    expect(await finish(verifier)).toMatchObject({ status: 'complete' });
    expect(await finish(verifier)).toMatchObject({ status: 'complete' });
    expect((await storedOf(made))?.secrets).toMatchObject({ apiKey: KEY });
    expect(await world.db.prisma.heldCredential.count()).toBe(0);
  });

  it('that no backend finishes in time forgets what was typed', async () => {
    const codeChallenge = createHash('sha256').update('x').digest('base64url');
    const before = await connectionCount();
    const made = await session({ codeChallenge });
    await typeKey(await openForm(made, 'api_key'));
    await world.connect.sweepSessions(new Date(Date.now() + 3_600_000));
    expect((await stateOf(world, made)).status).toBe('failed');
    expect(await world.db.prisma.heldCredential.count()).toBe(0);
    expect(await connectionCount()).toBe(before);
  });
});
