import { createHmac, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Authpipe, type AuthpipeError, type CredentialRef, type ProviderWebhookInput } from '../src/index.js';
import { event } from './event-stream-connection.js';
import { type Answer, API_KEY, credential, HttpServer, problem, type Received } from './http-server.js';
import { ManualClock, START } from './manual-clock.js';
import { until } from './until.js';

let server: HttpServer;
let clock: ManualClock;
let client: Authpipe;

/** What the Authpipe server holds. */
let secret: string;
let webhooks: object | undefined;
let override: ((request: Received) => Answer | Promise<Answer> | undefined) | undefined;

const BODY = '{"event":"Zoë 日本 🚀"}';
const source = 'https://example.com/docs';
const HMAC = {
  kind: 'hmac',
  header: 'x-sign',
  algorithm: 'sha256',
  encoding: 'hex',
  prefix: 'sha256=',
  signed: '{body}',
  source,
};
const SHARED = { kind: 'shared_secret', header: 'authorization', source };

const respond = (request: Received): Answer => {
  const { path } = request;
  if (path === '/v1/credentials') {
    const answer = credential({
      credential: secret,
      kind: 'webhook_secret',
      headers: {},
      expiresAt: null,
      refreshAfter: null,
    });
    return { json: answer };
  }
  if (path === '/v1/connections/conn_1/secrets/webhook')
    return { json: { name: 'webhook', version: 1, value: secret } };
  if (path === '/v1/connections/conn_1') return { json: { id: 'conn_1', provider: 'acme' } };
  if (path === '/v1/providers/acme')
    return { json: { id: 'acme', ...(webhooks === undefined ? {} : { webhooks }) } };
  return problem(404, 'not_found');
};

beforeEach(async () => {
  server = await HttpServer.start();
  secret = 'stored-webhook-secret';
  webhooks = HMAC;
  override = undefined;
  server.answer = async (request) => (await override?.(request)) ?? respond(request);
  clock = new ManualClock();
  client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock });
});
afterEach(async () => {
  client.close();
  await server.stop();
});

const REF = { provider: 'acme', tenantId: 'org_acme', owner: 'tenant' } as const;
const hexOf = (key: string, ...parts: string[]) =>
  createHmac('sha256', key).update(parts.join('')).digest('hex');
const signed = (key = secret): ProviderWebhookInput => ({
  headers: { 'X-Sign': `sha256=${hexOf(key, BODY)}` },
  body: BODY,
});
const paths = () => server.requests.map(({ path }) => path.replace('/v1', ''));
const verify = (input: ProviderWebhookInput = signed(), ref: CredentialRef = REF) =>
  client.verifyProviderWebhook(ref, input);
const failure = (promise: Promise<unknown>): Promise<AuthpipeError> =>
  promise.then(
    () => {
      throw new Error('The webhook was accepted.');
    },
    (error: AuthpipeError) => error,
  );
/** A read opens the client's event stream. */
const streamOf = async (reader: Authpipe) => {
  server.answerStream = () => 'stream';
  await reader.getCredential(REF);
  const stream = await server.streamOpened();
  stream.ready({ heartbeatSeconds: 100 });
  await until(() => reader.freshness === 'stream');
  return stream;
};
const SIGNATURE_MISMATCH = { code: 'webhook_invalid', reason: 'signature_mismatch', connectionId: 'conn_1' };

describe('a provider that signs with an HMAC', () => {
  it('is believed when the signature fits, and its JSON is given', async () => {
    expect(await verify()).toEqual(JSON.parse(BODY));
    expect(await verify({ ...signed(), body: Buffer.from(BODY) })).toEqual(JSON.parse(BODY));
  });

  it('is not with another body, another secret, no prefix, or anything beside the signature', async () => {
    const hex = hexOf(secret, BODY);
    const wrong: ProviderWebhookInput[] = [
      { ...signed(), body: BODY.replace('Zoë', 'Zoe') },
      signed('another-secret'),
      ...[
        hex,
        `sha1=${hex}`,
        `sha256=${hex}00`,
        `sha256=${hex.slice(2)}`,
        `sha256=${hex.toUpperCase()}`,
        'sha256=',
      ].map((value) => ({ headers: { 'x-sign': value }, body: BODY })),
    ];
    for (const input of wrong) expect(await failure(verify(input))).toMatchObject(SIGNATURE_MISMATCH);
  });

  it('is not without its header, or with two of them', async () => {
    const { headers } = signed();
    expect(await failure(verify({ headers: {}, body: BODY }))).toMatchObject({ reason: 'header_missing' });
    const twice = { ...headers, 'x-sign': 'sha256=00' } as Record<string, string>;
    expect(await failure(verify({ headers: twice, body: BODY }))).toMatchObject({
      reason: 'header_malformed',
    });
  });

  it('may sign an empty body, and one that is not JSON, which is given as it came', async () => {
    for (const body of ['', '{"a":1}\n{"a":2}\n']) {
      expect(await verify({ headers: { 'x-sign': `sha256=${hexOf(secret, body)}` }, body })).toBe(body);
    }
    const bytes = randomBytes(32);
    const hmac = createHmac('sha256', secret).update(bytes).digest('hex');
    expect(await verify({ headers: { 'x-sign': `sha256=${hmac}` }, body: bytes })).toBe(bytes);
  });

  it('may sign with SHA-1 in base64 and no prefix', async () => {
    webhooks = { ...HMAC, algorithm: 'sha1', encoding: 'base64', prefix: undefined };
    const value = createHmac('sha1', secret).update(BODY).digest('base64');
    expect(await verify({ headers: { 'x-sign': value }, body: BODY })).toEqual(JSON.parse(BODY));
    const other = createHmac('sha256', secret).update(BODY).digest('base64');
    expect(await failure(verify({ headers: { 'x-sign': other }, body: BODY }))).toMatchObject(
      SIGNATURE_MISMATCH,
    );
  });

  describe('over its time and id too', () => {
    const now = START / 1_000;
    const timed = (
      at: number | string = now,
      id = 'delivery-1',
      seen = { at, id },
    ): ProviderWebhookInput => ({
      headers: {
        'x-sign': `sha256=${hexOf(secret, `v0:${at}:${id}:`, BODY)}`,
        'x-at': String(seen.at),
        'x-id': seen.id,
      },
      body: BODY,
    });
    beforeEach(() => {
      webhooks = {
        ...HMAC,
        signed: 'v0:{timestamp}:{id}:{body}',
        timestampHeader: 'x-at',
        idHeader: 'x-id',
        toleranceSeconds: 60,
      };
    });

    it('is believed within the tolerance, and not when sent again later', async () => {
      const input = timed();
      expect(await verify(input)).toEqual(JSON.parse(BODY));
      clock.advanceSeconds(60);
      expect(await verify(input)).toEqual(JSON.parse(BODY));
      clock.advanceSeconds(1);
      expect(await failure(verify(input))).toMatchObject({
        code: 'webhook_invalid',
        reason: 'timestamp_too_old',
        connectionId: 'conn_1',
      });
      expect(await failure(verify(timed(now + 122)))).toMatchObject({ reason: 'timestamp_in_future' });
    });

    it('is not believed with another time or id than was signed', async () => {
      for (const seen of [
        { at: now + 1, id: 'delivery-1' },
        { at: now, id: 'delivery-2' },
      ]) {
        expect(await failure(verify(timed(now, 'delivery-1', seen)))).toMatchObject(SIGNATURE_MISMATCH);
      }
    });

    it('never takes what a header holds for a part of the template', async () => {
      const forged = {
        'x-sign': `sha256=${hexOf(secret, `v0:${now}:${BODY}:`, BODY)}`,
        'x-at': String(now),
        'x-id': '{body}',
      };
      expect(await failure(verify({ headers: forged, body: BODY }))).toMatchObject(SIGNATURE_MISMATCH);
      expect(await verify(timed(now, '{body}'))).toEqual(JSON.parse(BODY));
    });
  });
});

describe('a provider that sends the secret itself', () => {
  beforeEach(() => {
    webhooks = SHARED;
  });
  const sent = (value: string, header = 'Authorization') => ({ headers: { [header]: value }, body: BODY });

  it('is believed with the secret, and with nothing shorter, longer or other', async () => {
    expect(await verify(sent(secret))).toEqual(JSON.parse(BODY));
    for (const value of [secret.slice(1), `${secret}x`, `Bearer ${secret}`, 'x', secret.toUpperCase()]) {
      expect(await failure(verify(sent(value)))).toMatchObject(SIGNATURE_MISMATCH);
    }
  });

  it('may use the header that its administrator picked, where it lets one', async () => {
    const input = { ...sent(secret, 'X-Hook-Secret'), header: 'X-Hook-Secret' };
    expect(await failure(verify(input))).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/header' }],
    });
    webhooks = { ...SHARED, headerIsChosen: true };
    client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock });
    expect(await verify(input)).toEqual(JSON.parse(BODY));
    expect(await failure(verify({ ...sent(secret), header: 'X-Hook-Secret' }))).toMatchObject({
      reason: 'header_missing',
    });
  });
});

describe('a provider that follows Standard Webhooks', () => {
  beforeEach(() => {
    webhooks = { kind: 'standard_webhooks', source };
    secret = `whsec_${randomBytes(32).toString('base64')}`;
  });
  const standard = () => ({
    headers: {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(START / 1_000),
      'webhook-signature': new Webhook(secret).sign('msg_1', new Date(START), BODY),
    },
    body: BODY,
  });

  it('is believed by the official library’s signature, and not five minutes later', async () => {
    expect(await verify(standard())).toEqual(JSON.parse(BODY));
    clock.advanceSeconds(301);
    expect(await failure(verify(standard()))).toMatchObject({ reason: 'timestamp_too_old' });
  });

  it('needs a stored secret of that form', async () => {
    const input = standard();
    secret = 'not base64!';
    expect(await failure(verify(input))).toMatchObject({ code: 'invalid_request' });
  });
});

describe('the secret is read', () => {
  it('once for many webhooks, and again when a minute is over', async () => {
    await Promise.all(Array.from({ length: 50 }, () => verify()));
    clock.advanceSeconds(59);
    await verify();
    expect(paths()).toEqual(['/credentials', '/providers/acme']);
    clock.advanceSeconds(1);
    await verify();
    expect(paths()).toEqual(['/credentials', '/providers/acme', '/credentials']);
  });

  it('from the named secret of the connection, whose provider is looked up', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await verify({ ...signed(), secretName: 'webhook' }, { connectionId: 'conn_1' })).toEqual(
        JSON.parse(BODY),
      );
    }
    expect(paths()).toEqual([
      '/connections/conn_1/secrets/webhook',
      '/connections/conn_1',
      '/providers/acme',
    ]);
  });

  it('from the named secret of an owner’s connection, also when its grant has ended', async () => {
    override = ({ path }) =>
      path === '/v1/credentials'
        ? problem(409, 'needs_reconnect', { connectionId: 'conn_1', reason: 'revoked' })
        : undefined;
    expect(await verify({ ...signed(), secretName: 'webhook' })).toEqual(JSON.parse(BODY));
  });

  it('for each owner and name apart', async () => {
    await verify();
    const other = (ref: CredentialRef, secretName?: string) => verify({ ...signed(), secretName }, ref);
    await other({ ...REF, tenantId: 'org_other' });
    await other({ ...REF, label: 'second' });
    await other({ provider: 'acme', tenantId: 'org_acme', userId: 'tenant' });
    await other(REF, 'webhook');
    expect(paths().filter((path) => path === '/credentials')).toHaveLength(5);
  });

  it('again when a signature does not fit, so that a changed secret works at once', async () => {
    await verify();
    secret = 'the-next-secret';
    expect(await verify()).toEqual(JSON.parse(BODY));
    expect(await failure(verify(signed('stored-webhook-secret')))).toMatchObject(SIGNATURE_MISMATCH);
    expect(paths()).toEqual(['/credentials', '/providers/acme', '/credentials']);
  });

  it('again at most every five seconds, however many forgeries come', async () => {
    await verify();
    for (let turn = 0; turn < 20; turn += 1) await failure(verify(signed('forged')));
    expect(paths().filter((path) => path === '/credentials')).toHaveLength(2);
    clock.advanceSeconds(5);
    await Promise.all(Array.from({ length: 20 }, () => failure(verify(signed('forged')))));
    expect(paths().filter((path) => path === '/credentials')).toHaveLength(3);
  });

  it('not again for a header that is missing', async () => {
    await verify();
    await failure(verify({ headers: {}, body: BODY }));
    expect(paths()).toEqual(['/credentials', '/providers/acme']);
  });

  it('again after this client changed it', async () => {
    const named = { ...signed(), secretName: 'webhook' };
    await verify(named, { connectionId: 'conn_1' });
    override = ({ method }) => (method === 'PUT' ? { json: { name: 'webhook', version: 2 } } : undefined);
    secret = 'the-next-secret';
    await client.putSecret('conn_1', 'webhook', secret);
    expect(await failure(verify(named, { connectionId: 'conn_1' }))).toMatchObject(SIGNATURE_MISMATCH);
    const next = { ...signed(), secretName: 'webhook' };
    expect(await verify(next, { connectionId: 'conn_1' })).toEqual(JSON.parse(BODY));
  });

  it('no more once the connection is gone', async () => {
    await verify();
    override = ({ method, path }) => {
      if (method === 'DELETE') return { json: { id: 'conn_1', revokedAtProvider: true } };
      return path === '/v1/credentials' ? problem(404, 'connection_not_found') : undefined;
    };
    await client.deleteConnection('conn_1');
    expect(await failure(verify())).toMatchObject({ code: 'connection_not_found' });
  });

  it.each([
    [404, 'connection_not_found'],
    [401, 'unauthorized'],
    [403, 'forbidden'],
  ])('and not used on once the server answers %i', async (status, code) => {
    await verify();
    override = ({ path }) => (path === '/v1/credentials' ? problem(status, code) : undefined);
    expect(await verify()).toEqual(JSON.parse(BODY));
    clock.advanceSeconds(60);
    expect(await failure(verify())).toMatchObject({ code });
    expect(await failure(verify())).toMatchObject({ code });
  });
});

describe('while the server is down', () => {
  it('webhooks are checked with the secret held, and forgeries do not take it away', async () => {
    await verify();
    override = () => 'cut';
    clock.advanceSeconds(61);
    expect(await verify()).toEqual(JSON.parse(BODY));
    expect(await failure(verify(signed('forged')))).toMatchObject(SIGNATURE_MISMATCH);
    clock.advanceSeconds(3_600);
    expect(await verify()).toEqual(JSON.parse(BODY));
  });

  it('only the first that notices waits, and the server is asked every five seconds', async () => {
    // Whoever waited for the request that hangs would wait longer than this test may take.
    client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock, timeoutMillis: 600_000 });
    await verify();
    override = () => problem(503, 'provider_unavailable');
    clock.advanceSeconds(61);
    for (let turn = 0; turn < 10; turn += 1) await verify();
    expect(paths().filter((path) => path === '/credentials')).toHaveLength(2);
    override = () => 'hang';
    clock.advanceSeconds(5);
    expect(await verify()).toEqual(JSON.parse(BODY));
  }, 30_000);

  it('a secret that an event told about is asked for again, and serves where no answer comes', async () => {
    const stream = await streamOf(client);
    await verify();
    stream.send(event('credential.refreshed', { version: 2, invalidatesPrevious: true }));
    await until(() => client.getCredentialSync(REF) === undefined);
    override = () => problem(503, 'provider_unavailable');
    const asked = paths().length;
    expect(await verify()).toEqual(JSON.parse(BODY));
    expect(paths().length).toBeGreaterThan(asked);
    expect(await verify()).toEqual(JSON.parse(BODY));
  });

  it('a secret of a connection that was deleted serves no more', async () => {
    const stream = await streamOf(client);
    await verify();
    stream.send(event('connection.deleted'));
    await until(() => client.getCredentialSync(REF) === undefined);
    override = () => 'cut';
    expect(await failure(verify())).toMatchObject({ code: 'server_unreachable' });
  });

  it('a webhook whose secret is not known fails with what happened', async () => {
    override = () => 'cut';
    expect(await failure(verify())).toMatchObject({ code: 'server_unreachable', retryable: true });
  });
});

describe('it says what to do', () => {
  it('about a connection whose credential is no webhook secret', async () => {
    override = ({ path }) =>
      path === '/v1/credentials' ? { json: credential({ credential: secret }) } : undefined;
    const error = await failure(verify());
    expect(error).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/secretName' }] });
    expect(error.message).toContain('putSecret');
  });

  it('about a provider whose scheme is not known, or newer than this client', async () => {
    webhooks = undefined;
    expect(await failure(verify())).toMatchObject({ code: 'invalid_request' });
    for (const unknown of [
      { kind: 'carrier_pigeon' },
      { ...HMAC, signed: '{timestamp}' },
      { ...HMAC, signed: 'x{id}{body}' },
      7,
    ]) {
      webhooks = unknown as object;
      client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock });
      expect((await failure(verify())).message).toContain('update @authpipe/node');
    }
  });

  it('about a ref or a body that is wrong, without asking the server', async () => {
    expect(
      await failure(verify(signed(), { ...REF, owner: undefined } as unknown as CredentialRef)),
    ).toMatchObject({ code: 'invalid_request' });
    expect(await failure(verify({ ...signed(), body: { parsed: true } as unknown as string }))).toMatchObject(
      { errors: [{ pointer: '/body' }] },
    );
    expect(
      await failure(client.verifyProviderWebhook(REF, undefined as unknown as ProviderWebhookInput)),
    ).toMatchObject({
      code: 'invalid_request',
    });
    const controller = new AbortController();
    controller.abort(new Error('enough'));
    await expect(client.verifyProviderWebhook(REF, signed(), { signal: controller.signal })).rejects.toThrow(
      'enough',
    );
    expect(paths()).toEqual([]);
  });
});

it('ends the wait of a caller who gives up, and of nobody else', async () => {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  override = () => held.then(() => undefined as unknown as Answer);
  const controller = new AbortController();
  const first = client.verifyProviderWebhook(REF, signed(), { signal: controller.signal });
  const second = verify();
  controller.abort(new Error('enough'));
  await expect(first).rejects.toThrow('enough');
  letGo();
  expect(await second).toEqual(JSON.parse(BODY));
});

it('neither an error nor the client shows the secret', async () => {
  const wrong = [
    signed('forged'),
    { headers: {}, body: BODY },
    { headers: { 'x-sign': secret }, body: secret },
  ];
  for (const scheme of [HMAC, SHARED, { kind: 'standard_webhooks', source }]) {
    webhooks = scheme;
    client = new Authpipe({ apiKey: API_KEY, baseUrl: server.url, clock });
    for (const input of wrong) {
      const error = await failure(verify(input));
      const shown = `${error.stack} ${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`;
      expect(`${shown} ${inspect(client, { depth: 9, showHidden: true })}`).not.toContain(secret);
    }
  }
});
