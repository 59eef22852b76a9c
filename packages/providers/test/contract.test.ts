import { describe, expect, it } from '@jest/globals';
import {
  type AuthMethod,
  fillParams,
  fillUrl,
  type HttpAnswer,
  type OAuthCodeMethod,
  type ProviderDefinition,
  parseConfig,
  providers,
  type UrlTemplate,
} from '../src/index.js';

/** Bodies that no provider promises, and every reader has to survive. */
const ODD_BODIES: readonly unknown[] = [
  undefined,
  null,
  '',
  '<html><h1>503</h1></html>',
  'error=invalid_grant',
  0,
  true,
  [],
  [[null]],
  {},
  { error: null },
  { error: { code: 'invalid_grant' } },
  { error: ['invalid_grant'], error_description: 7 },
  { error: 'invalid_grant', error_description: null },
  { errorCode: 11, errorCauses: 'x' },
  { errors: null },
  { errors: [null] },
  { data: { id: {}, attributes: [] }, profile: 'x' },
  Object.create(null),
];

const ODD_ANSWERS: readonly HttpAnswer[] = [200, 302, 400, 401, 403, 404, 429, 500, 599].flatMap((status) =>
  ODD_BODIES.map((body) => ({ status, headers: { 'www-authenticate': 'nonsense "' }, body })),
);

const exampleConfig = ({ config }: ProviderDefinition) =>
  Object.fromEntries(Object.entries(config).map(([name, field]) => [name, field.example]));

const definedUrls = (...urls: (UrlTemplate | undefined)[]) => urls.filter((url) => url !== undefined);

function urlsOf(method: AuthMethod): readonly UrlTemplate[] {
  const probes = method.probes.map((probe) => (probe.kind === 'request' ? probe.url : undefined));
  if (method.kind !== 'oauth2' && method.kind !== 'client_credentials') return definedUrls(...probes);
  const { endpoints } = method;
  const urls =
    endpoints.source === 'discovery'
      ? [endpoints.issuer]
      : [
          endpoints.issuer,
          endpoints.authorization,
          endpoints.token,
          endpoints.revocation,
          endpoints.introspection,
          endpoints.userinfo,
        ];
  const account = method.kind === 'oauth2' ? method.account?.url : undefined;
  return definedUrls(...urls, account, ...probes);
}

it('every id is used once', () => {
  const ids = providers.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

describe.each(providers.map((provider) => [provider.id, provider] as const))('%s', (_, provider) => {
  const config = exampleConfig(provider);

  it('has an id for URLs, words for its page, and sources', () => {
    expect(provider.id).toMatch(/^[a-z][a-z0-9-]*$/);
    expect(provider.name.trim()).toBe(provider.name);
    expect(provider.description).toMatch(/^[A-Z].*\.$/);
    expect(provider.websiteUrl).toMatch(/^https:\/\//);
    expect(provider.sources.length).toBeGreaterThan(0);
    for (const source of provider.sources) expect(new URL(source).protocol).toBe('https:');
  });

  it('stores the examples of its settings as they are shown', () => {
    expect(parseConfig(provider, config)).toEqual({ ok: true, config });
  });

  it('stores what it stored before', () => {
    for (const [name, field] of Object.entries(provider.config)) {
      for (const value of [field.example, ...(field.options ?? []).map((option) => option.value)]) {
        expect([name, field.parse(value)]).toEqual([name, { ok: true, value }]);
      }
    }
  });

  it('lists the options of a choice, and of nothing else', () => {
    for (const field of Object.values(provider.config)) {
      expect((field.options ?? []).length > 0).toBe(field.kind === 'choice');
    }
  });

  it('answers any typed text, and suggests only what it accepts', () => {
    const typed = [
      '',
      ' ',
      '\u0000',
      '{domain}',
      '../..',
      'https://',
      '@',
      ':',
      '[',
      'a'.repeat(5_000),
      '💥',
      'acme',
      '%00',
    ];
    for (const field of Object.values(provider.config)) {
      for (const text of typed) {
        const parsed = field.parse(text);
        if (parsed.ok) expect(parsed.value).toMatch(/^[\x21-\x7e]+$/);
        else expect(parsed.suggestion === undefined || field.parse(parsed.suggestion).ok).toBe(true);
      }
    }
  });

  it('has an API whose host is https and known by the settings', () => {
    const url = new URL(fillUrl(provider.api.baseUrl, config));
    expect(url.protocol).toBe('https:');
    expect(url.href).not.toMatch(/[{}]|%7B/);
  });

  it('reads any answer of its API', () => {
    for (const answer of ODD_ANSWERS) {
      expect(['ok', 'dead', 'degraded', 'inconclusive']).toContain(provider.api.readError(answer).result);
    }
    expect(provider.api.readError({ status: 503, headers: {}, body: '' }).result).toBe('inconclusive');
    expect(provider.api.readError({ status: 429, headers: {}, body: '' }).result).toBe('inconclusive');
  });

  it('proves its webhooks, where it does, by what is signed in headers that it names', () => {
    const { webhooks } = provider;
    if (webhooks === undefined) return;
    expect(new URL(webhooks.source).protocol).toBe('https:');
    if (webhooks.kind !== 'standard_webhooks') expect(webhooks.header).toMatch(/^[a-z-]+$/);
    if (webhooks.kind !== 'hmac') return;
    expect(webhooks.signed.split('{body}')).toHaveLength(2);
    expect(webhooks.signed.includes('{timestamp}')).toBe(webhooks.timestampHeader !== undefined);
    expect(webhooks.signed.includes('{id}')).toBe(webhooks.idHeader !== undefined);
  });

  it('names headers in lower case', () => {
    const { limit, remaining, reset } = provider.api.rateLimit ?? {};
    for (const header of [limit, remaining, reset]) expect(header ?? '').toMatch(/^[a-z-]*$/);
  });

  it('has auth methods with ids of their own', () => {
    const ids = provider.authMethods.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  describe.each(provider.authMethods.map((method) => [method.id, method] as const))('%s', (__, method) => {
    it('has https URLs that the settings fill', () => {
      for (const template of urlsOf(method)) {
        const url = new URL(fillUrl(template, config));
        expect(url.protocol).toBe('https:');
        expect(url.username + url.password + url.hash).toBe('');
        expect(url.href).not.toMatch(/[{}]|%7B/);
      }
    });

    it('reads any answer to its probes', () => {
      for (const probe of method.probes) {
        if (probe.kind !== 'request') continue;
        for (const answer of ODD_ANSWERS) {
          expect(['ok', 'dead', 'degraded', 'inconclusive']).toContain(probe.read(answer).result);
        }
        expect(probe.read({ status: 200, headers: {}, body: {} }).result).toBe('ok');
        expect(probe.read({ status: 401, headers: {}, body: {} }).result).toBe('dead');
      }
    });

    it('probes with scopes that it knows', () => {
      const known = 'scopes' in method ? method.scopes.map(({ name }) => name) : [];
      for (const probe of method.probes) {
        if (probe.kind === 'request')
          expect(known).toEqual(expect.arrayContaining([...(probe.scopes ?? [])]));
        if (probe.kind === 'userinfo') expect(known).toContain('openid');
      }
    });

    if (method.kind === 'oauth2' || method.kind === 'client_credentials') {
      it('tells how long an access token lives in whole seconds, or null: 0 is no way to say unknown', () => {
        const seconds = method.accessTokenLifetimeSeconds;
        expect(seconds === null || (Number.isSafeInteger(seconds) && seconds > 0)).toBe(true);
      });

      it('reads any token error, and treats an outage as one whatever the body says', () => {
        const outcomes = [
          'reconnect',
          'integration',
          'configuration',
          'code_rejected',
          'use_dpop_nonce',
          'transient',
        ];
        for (const answer of ODD_ANSWERS) {
          const verdict = method.readTokenError(answer);
          expect(outcomes).toContain(verdict.outcome);
          expect(verdict.detail).toMatch(/\.$/);
        }
        for (const status of [429, 500, 502, 503, 504]) {
          const body = {
            error: 'invalid_grant',
            error_description: 'The refresh token is invalid or expired.',
          };
          expect(method.readTokenError({ status, headers: {}, body }).outcome).toBe('transient');
        }
      });

      it('has a place to send people to, if people are sent', () => {
        const { endpoints } = method;
        const sends = endpoints.source === 'discovery' || endpoints.authorization !== undefined;
        expect(sends || method.kind === 'client_credentials').toBe(true);
      });

      it('names each scope once, with its words', () => {
        const names = method.scopes.map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
        for (const scope of method.scopes) expect(scope.description).toMatch(/^[A-Z].*[^.]$/);
      });

      it('limits token requests by whole numbers, where it does', () => {
        const { requests = 1, perSeconds = 1 } = 'tokenRateLimit' in method ? method.tokenRateLimit : {};
        for (const number of [requests, perSeconds]) {
          expect(Number.isInteger(number)).toBe(true);
          expect(number).toBeGreaterThan(0);
        }
      });

      it('fills its extra parameters', () => {
        const authorization = 'authorizationParams' in method ? method.authorizationParams : undefined;
        const filled = fillParams({ ...authorization, ...method.tokenParams }, config);
        for (const value of Object.values(filled)) expect(value).not.toMatch(/[{}]/);
      });
    }

    if (method.kind === 'oauth2') codeContract(method);
    if (method.kind === 'api_key') {
      it('takes its own example, and sends it in a header', () => {
        const { apiKey } = method.fields;
        expect(apiKey.example).toMatch(new RegExp(`^(?:${apiKey.pattern ?? '.+'})$`));
        expect(Object.values(method.headers).join()).toContain('{apiKey}');
      });
    }
  });
});

function codeContract(method: OAuthCodeMethod) {
  it('offers what it asks for by default, and hides what it adds by itself', () => {
    const offered = method.scopes.map(({ name }) => name);
    expect(offered).toEqual(expect.arrayContaining([...method.defaultScopes]));
    expect(offered.filter((name) => method.impliedScopes.includes(name))).toEqual([]);
  });

  it('names the account: by an ID token that is asked for by default, or by a request', () => {
    if (method.openidConnect) expect(method.defaultScopes).toContain('openid');
    else expect(typeof method.account?.read).toBe('function');
  });

  it('leaves the grant and the checks to Authpipe: no parameter of its own names another', () => {
    const ours =
      /^(response_(type|mode)|grant_type|code.*|state|nonce|redirect_uri|client_.*|username|password|request.*)$/;
    const params = Object.keys({ ...method.authorizationParams, ...method.tokenParams });
    expect(params.filter((name) => ours.test(name))).toEqual([]);
  });

  it('says where the keys of its ID tokens are, where it has some', () => {
    if (method.openidConnect) expect(method.endpoints.source).toBe('discovery');
  });

  it('reads any account', () => {
    for (const body of ODD_BODIES) expect(method.account?.read(body) ?? null).toBeNull();
  });

  it('promises no grace for a refresh token that works once', () => {
    if (method.refreshToken.rotation === 'single_use') expect(method.refreshToken.graceSeconds).toBe(0);
  });

  it('tells lifetimes of a refresh token that are longer than none', () => {
    const { absoluteLifetimeSeconds, idleLifetimeSeconds, expiresInField } = method.refreshToken;
    for (const seconds of [absoluteLifetimeSeconds, idleLifetimeSeconds]) {
      if (seconds !== undefined) expect(seconds).toBeGreaterThan(0);
    }
    // The field is looked up as it stands, and never the access token's.
    expect(expiresInField ?? 'x').toMatch(/^(?!expires_in$)[a-z_]+$/i);
  });
}
