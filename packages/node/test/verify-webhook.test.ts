import { createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { Authpipe, type AuthpipeError, type VerifyWebhookInput, verifyWebhook } from '../src/index.js';
import { API_KEY } from './http-server.js';
import { ManualClock, START } from './manual-clock.js';

const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`;
const SECRET = newSecret();
const event = {
  id: 'evt_1',
  type: 'connection.needs_reconnect',
  time: '2026-01-01T00:00:00.000Z',
  environment: 'test',
  connectionId: 'conn_1',
  integration: 'okta',
  provider: 'okta',
  tenantId: 'org_acme',
  owner: 'user',
  userId: 'user_123',
  label: 'default',
  version: 4,
  status: 'needs_reconnect',
  reason: 'revoked',
  metadata: { name: 'Zoë 日本 🚀' },
};
const BODY = JSON.stringify(event);

/** Signs as any sender of Standard Webhooks does: with their own library. */
const signed = (more: { body?: string | Buffer; secret?: string; atSeconds?: number; id?: string } = {}) => {
  const { body = BODY, secret = SECRET, atSeconds = START / 1_000, id = 'msg_1' } = more;
  const at = new Date(atSeconds * 1_000);
  return {
    headers: {
      'webhook-id': id,
      'webhook-timestamp': String(atSeconds),
      'webhook-signature': new Webhook(secret).sign(id, at, body),
    } as Record<string, string | string[] | undefined>,
    body: body as VerifyWebhookInput['body'],
    clock: new ManualClock(),
  };
};

const failure = (verify: () => unknown): AuthpipeError => {
  try {
    verify();
  } catch (error) {
    return error as AuthpipeError;
  }
  throw new Error('The webhook was accepted.');
};

const refusal = (input: Partial<ReturnType<typeof signed>> & object, secret = SECRET) => {
  const { code, reason } = failure(() => verifyWebhook({ ...signed(), secret, ...input }));
  return [code, reason];
};

describe('verifyWebhook takes', () => {
  it('what the official library signs, and gives the event', () => {
    expect(verifyWebhook({ ...signed(), secret: SECRET })).toEqual(event);
  });

  it('the signature that the libraries of Standard Webhooks are tested with', () => {
    const input = {
      headers: {
        'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
        'webhook-timestamp': '1614265330',
        'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
      },
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      clock: { now: () => 1_614_265_330_000 },
    };
    // It fits, and is then refused for what it says only.
    const refused = (body: string) => failure(() => verifyWebhook({ ...input, body })).reason;
    expect(refused('{"test": 2432232314}')).toBe('body_malformed');
    expect(refused('{"test": 2432232315}')).toBe('signature_mismatch');
  });

  it.each<[string, (body: Buffer) => VerifyWebhookInput['body']]>([
    ['a Buffer', (body) => body],
    [
      'a Uint8Array that is a part of a larger buffer',
      (body) => Buffer.concat([Buffer.from('x'), body]).subarray(1),
    ],
    ['an ArrayBuffer', (body) => new Uint8Array(body).buffer],
  ])('the bytes of a body with letters of all kinds as %s', (_, as) => {
    expect(verifyWebhook({ ...signed(), body: as(Buffer.from(BODY)), secret: SECRET })).toEqual(event);
  });

  it.each<[string, (headers: Record<string, string>) => VerifyWebhookInput['headers']]>([
    ['a Headers', (headers) => new Headers(headers)],
    [
      'capitals',
      (headers) => Object.fromEntries(Object.entries(headers).map(([n, v]) => [n.toUpperCase(), v])),
    ],
    [
      'arrays, as headersDistinct of Node',
      (headers) => Object.fromEntries(Object.entries(headers).map(([n, v]) => [n, [v]])),
    ],
    [
      'others beside them, some undefined',
      (headers) => ({ host: 'localhost', cookie: undefined, ...headers }),
    ],
  ])('headers as %s', (_, as) => {
    const input = signed();
    expect(
      verifyWebhook({ ...input, headers: as(input.headers as Record<string, string>), secret: SECRET }),
    ).toEqual(event);
  });

  it('several signatures of which one fits, among versions that it does not know', () => {
    const input = signed();
    const fitting = input.headers['webhook-signature'];
    input.headers['webhook-signature'] = `v1a,${randomBytes(64).toString('base64')} v1,AAAA ${fitting} v9,x`;
    expect(verifyWebhook({ ...input, secret: SECRET })).toEqual(event);
  });

  it('the old secret and the new one while a secret is changed', () => {
    const next = newSecret();
    for (const secret of [SECRET, next]) {
      expect(verifyWebhook({ ...signed({ secret }), secrets: [next, SECRET] })).toEqual(event);
    }
    expect(failure(() => verifyWebhook({ ...signed(), secrets: [next] })).reason).toBe('signature_mismatch');
  });

  it('a type of event that it does not know', () => {
    const body = JSON.stringify({ ...event, type: 'connection.invented', more: 1 });
    expect(verifyWebhook({ ...signed({ body }), secret: SECRET })).toMatchObject({
      type: 'connection.invented',
      more: 1,
    });
  });

  it('a webhook that came over HTTP, with its headers as Node has them', async () => {
    const outcome = new Promise((resolve) => {
      const server = createServer(async (request, response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk);
        response.end();
        server.close();
        const { clock } = signed();
        resolve(
          verifyWebhook({ headers: request.headers, body: Buffer.concat(chunks), secret: SECRET, clock }),
        );
      }).listen(0, '127.0.0.1', () => {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        void fetch(url, { method: 'POST', body: BODY, headers: signed().headers as Record<string, string> });
      });
    });
    expect(await outcome).toEqual(event);
  });
});

describe('verifyWebhook refuses', () => {
  it('another body, id or time than was signed', () => {
    const other = BODY.replace('conn_1', 'conn_2');
    expect(refusal({ body: other })).toEqual(['webhook_invalid', 'signature_mismatch']);
    const { headers } = signed();
    for (const [name, value] of [
      ['webhook-id', 'msg_2'],
      ['webhook-timestamp', String(START / 1_000 + 1)],
    ] as const) {
      expect(refusal({ headers: { ...headers, [name]: value } })).toEqual([
        'webhook_invalid',
        'signature_mismatch',
      ]);
    }
  });

  it('the same JSON in other bytes', () => {
    expect(refusal({ body: JSON.stringify(event, null, 1) })).toEqual([
      'webhook_invalid',
      'signature_mismatch',
    ]);
    expect(refusal({ body: `${BODY}\n` })).toEqual(['webhook_invalid', 'signature_mismatch']);
  });

  it('a signature of another secret', () => {
    expect(refusal({}, newSecret())).toEqual(['webhook_invalid', 'signature_mismatch']);
  });

  it.each([
    ['five minutes ago', -300, undefined],
    ['longer ago', -301, 'timestamp_too_old'],
    ['five minutes ahead', 300, undefined],
    ['further ahead', 301, 'timestamp_in_future'],
  ])('a webhook signed %s only beyond the tolerance', (_, seconds, reason) => {
    const input = { ...signed({ atSeconds: START / 1_000 + seconds }), secret: SECRET };
    if (reason === undefined) expect(verifyWebhook(input)).toEqual(event);
    else expect(failure(() => verifyWebhook(input))).toMatchObject({ code: 'webhook_invalid', reason });
  });

  it('by the tolerance that it is given', () => {
    const input = { ...signed({ atSeconds: START / 1_000 - 20 }), secret: SECRET };
    expect(verifyWebhook({ ...input, toleranceSeconds: 20 })).toEqual(event);
    expect(failure(() => verifyWebhook({ ...input, toleranceSeconds: 19 })).reason).toBe('timestamp_too_old');
    for (const toleranceSeconds of [-1, Number.NaN, Number.POSITIVE_INFINITY, '300' as unknown as number]) {
      expect(failure(() => verifyWebhook({ ...input, toleranceSeconds }))).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: '/toleranceSeconds' }],
      });
    }
  });

  it.each(['', '1e9', '-1', '2026-01-01T00:00:00Z', '9'.repeat(40)])('the time %p', (time) => {
    const { headers } = signed();
    const reason = time === '' ? 'header_missing' : 'header_malformed';
    expect(refusal({ headers: { ...headers, 'webhook-timestamp': time } })).toEqual([
      'webhook_invalid',
      reason,
    ]);
  });

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
    'a webhook without %s, and names it',
    (name) => {
      const { headers } = signed();
      for (const value of [undefined, '', []]) {
        const error = failure(() =>
          verifyWebhook({ ...signed(), headers: { ...headers, [name]: value }, secret: SECRET }),
        );
        expect(error).toMatchObject({ code: 'webhook_invalid', reason: 'header_missing' });
        expect(error.message).toContain(name);
      }
    },
  );

  it('a header that is there twice, in one case or two', () => {
    const { headers } = signed();
    const twice = { ...headers, 'webhook-timestamp': [String(START / 1_000), String(START / 1_000)] };
    expect(refusal({ headers: twice })).toEqual(['webhook_invalid', 'header_malformed']);
    expect(refusal({ headers: { ...headers, 'Webhook-Id': 'msg_1' } })).toEqual([
      'webhook_invalid',
      'header_malformed',
    ]);
  });

  it('a header of a megabyte without going through it', () => {
    const { headers } = signed();
    const huge = `${'v1,AAAA '.repeat(131_072)}${headers['webhook-signature']}`;
    expect(refusal({ headers: { ...headers, 'webhook-signature': huge } })).toEqual([
      'webhook_invalid',
      'header_malformed',
    ]);
  });

  it.each(['v1,', 'v1', ',', ' ', 'v1,short', `v1,${'A'.repeat(100)}`, 'v1,日本'])(
    'a signature however long it is: %p',
    (signature) => {
      const { headers } = signed();
      expect(refusal({ headers: { ...headers, 'webhook-signature': signature } })).toEqual([
        'webhook_invalid',
        'signature_mismatch',
      ]);
    },
  );

  it('a fitting signature under another version, or with something after it', () => {
    const { headers } = signed();
    const fitting = headers['webhook-signature'] as string;
    for (const signature of [
      fitting.replace('v1,', 'v2,'),
      fitting.slice(3),
      `${fitting}=`,
      `${fitting}AAAA`,
    ]) {
      expect(refusal({ headers: { ...headers, 'webhook-signature': signature } })).toEqual([
        'webhook_invalid',
        'signature_mismatch',
      ]);
    }
  });

  it.each(['', 'not json', '[]', 'null', '{"id":"evt_1"}', '{"id":1,"type":"a","time":"b"}'])(
    'the body %p though its signature fits',
    (body) => {
      expect(refusal(signed({ body }))).toEqual(['webhook_invalid', 'body_malformed']);
    },
  );

  it('bytes that are no UTF-8', () => {
    const body = Buffer.concat([
      Buffer.from('{"id":"evt_1","type":"a","time":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]);
    const id = 'msg_1';
    const hmac = createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64'));
    const signature = hmac
      .update(`${id}.${START / 1_000}.`)
      .update(body)
      .digest('base64');
    const { headers } = signed();
    expect(refusal({ headers: { ...headers, 'webhook-signature': `v1,${signature}` }, body })).toEqual([
      'webhook_invalid',
      'body_malformed',
    ]);
  });
});

describe('a call that is wrong', () => {
  it.each([[event], [undefined], [null], [42], [[1, 2]], [{}]])(
    'tells how to get the raw body instead of %p',
    (body) => {
      const error = failure(() =>
        verifyWebhook({ ...signed(), body: body as unknown as string, secret: SECRET }),
      );
      expect(error).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/body' }] });
      expect(error.message).toContain("express.raw({ type: 'application/json' })");
    },
  );

  it.each([undefined, null, 'webhook-id: 1'])('with %p as headers says so', (headers) => {
    const input = { ...signed(), headers: headers as unknown as Headers, secret: SECRET };
    expect(failure(() => verifyWebhook(input))).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/headers' }],
    });
  });

  it.each<[string, object]>([
    ['none', {}],
    ['an undefined one', { secret: undefined }],
    ['an empty list', { secrets: [] }],
    ['both', { secret: SECRET, secrets: [SECRET] }],
    ['an empty one', { secret: '' }],
    ['the prefix alone', { secret: 'whsec_' }],
    ['no prefix', { secret: SECRET.slice(6) }],
    ['a space at its end', { secret: `${SECRET} ` }],
    ['one that is not base64', { secrets: [SECRET, 'whsec_ap_live'] }],
  ])('with %s as the secret never accepts', (_, secrets) => {
    const input = { ...signed(), ...secrets } as unknown as VerifyWebhookInput;
    expect(failure(() => verifyWebhook(input))).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/secret' }],
    });
  });
});

it('no error shows a secret, a header or the body', () => {
  const planted = Buffer.from('planted-secret-of-the-endpoint').toString('base64');
  const good = {
    ...signed({ secret: `whsec_${planted}`, body: '{"planted":"body"}' }),
    secret: `whsec_${planted}`,
  };
  const wrong: object[] = [
    { secret: newSecret() },
    {},
    { body: '{"planted":"body"} ' },
    { body: { planted: 'body' } },
    { headers: { ...good.headers, 'webhook-timestamp': 'planted-time' } },
    { headers: { ...good.headers, 'webhook-signature': 'v1,planted-signature' } },
    { headers: { ...good.headers, 'webhook-id': ['planted-1', 'planted-2'] } },
    { secret: `${planted}` },
    { secret: `whsec_${planted} ` },
    { secret: undefined, secrets: [`whsec_${planted}`, planted] },
  ];
  for (const more of wrong) {
    const error = failure(() => verifyWebhook({ ...good, ...more } as VerifyWebhookInput));
    const shown = `${error.stack} ${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`;
    expect(shown).not.toContain(planted);
    expect(shown.replace(/at .*\n?/g, '')).not.toContain('planted');
  }
});

it('a client checks by its own clock', () => {
  const clock = new ManualClock();
  using client = new Authpipe({ apiKey: API_KEY, baseUrl: 'https://auth.example.com', clock });
  const { headers, body } = signed();
  expect(client.verifyWebhook({ headers, body, secret: SECRET })).toEqual(event);
  clock.advanceSeconds(301);
  expect(failure(() => client.verifyWebhook({ headers, body, secret: SECRET })).reason).toBe(
    'timestamp_too_old',
  );
});
