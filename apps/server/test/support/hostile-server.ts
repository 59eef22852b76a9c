import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OAuthCodeMethod, ProviderDefinition } from '@authpipe/providers';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { oktaMethod } from './okta.js';

export const HOSTILE_CLIENT = { clientId: 'client_1', clientSecret: 'planted-client-secret' };

/** A request as it came in. */
export interface Heard {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly method: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  /** Its proof of possession. */
  readonly dpop: string | undefined;
  readonly body: string;
}

type Handler = (heard: Heard, response: ServerResponse) => void | Promise<void>;

const readAll = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

/** Answers JSON. */
export const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Handler =>
  (_heard, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };

/** An authorization server that does what a test tells it, and is correct until told. */
export const startHostileServer = async () => {
  const heard: Heard[] = [];
  const handlers = new Map<string, Handler>();
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };

  const server = createServer((request, response) => {
    void (async () => {
      const { pathname: path, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
      const { authorization, dpop, 'content-type': contentType } = request.headers;
      const told: Heard = {
        path,
        query,
        method: request.method ?? '',
        authorization,
        contentType,
        dpop: dpop === undefined ? undefined : String(dpop),
        body: await readAll(request),
      };
      heard.push(told);
      const handler = handlers.get(path);
      if (handler) await handler(told, response);
      else response.writeHead(404).end();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const host = `localhost:${port}`;
  const issuer = `http://${host}`;

  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    revocation_endpoint: `${issuer}/revoke`,
    introspection_endpoint: `${issuer}/introspect`,
    userinfo_endpoint: `${issuer}/userinfo`,
    jwks_uri: `${issuer}/jwks`,
    code_challenge_methods_supported: ['S256'],
  };

  /** An ID token as the provider would make it, with what a test changes. */
  const idToken = (claims: Record<string, unknown> = {}, key: CryptoKey = privateKey): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    const body = {
      iss: issuer,
      aud: HOSTILE_CLIENT.clientId,
      sub: 'u1',
      iat: now,
      exp: now + 300,
      nonce: 'nonce_1',
    };
    return new SignJWT({ ...body, name: 'Ada', email: 'ada@acme.test', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .sign(key);
  };

  /** A good token answer, with what a test changes. */
  const grant = async (change: Record<string, unknown> = {}) => ({
    access_token: 'at_1',
    refresh_token: 'rt_1',
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'openid profile',
    id_token: await idToken(),
    ...change,
  });

  const handle = (path: string, handler: Handler) => void handlers.set(path, handler);
  const METADATA = '/.well-known/openid-configuration';
  handle(METADATA, json(metadata));
  handle('/jwks', json({ keys: [jwk] }));
  handle('/token', json(await grant()));

  return {
    host,
    issuer,
    metadata,
    heard,
    heardAt: (path: string) => heard.filter((each) => each.path === path),
    handle,
    idToken,
    grant,
    /** Changes what the discovery document says. */
    discover: (change: Record<string, unknown>) => handle(METADATA, json({ ...metadata, ...change })),
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

export type HostileServer = Awaited<ReturnType<typeof startHostileServer>>;

/** A definition whose only host is the `domain` of its config. */
export const hostileDefinition = (change: Partial<OAuthCodeMethod> = {}) => {
  const method: OAuthCodeMethod = {
    ...oktaMethod,
    endpoints: {
      source: 'discovery',
      issuer: 'https://{domain}',
      metadataPath: '/.well-known/openid-configuration',
    },
    ...change,
  };
  const definition: ProviderDefinition = {
    id: 'hostile',
    name: 'Hostile',
    category: 'Security',
    description: 'A provider for tests.',
    websiteUrl: 'https://hostile.test',
    sources: [],
    authMethods: [method],
    config: {
      domain: {
        kind: 'host',
        label: 'Domain',
        description: 'The host.',
        example: 'hostile.test',
        required: true,
        parse: (value) => ({ ok: true, value }),
      },
    },
    api: {
      baseUrl: 'https://{domain}',
      rateLimit: { reset: 'x-rate-limit-reset', resetUnit: 'epoch_seconds' },
      readError: () => ({ result: 'inconclusive', reason: null }),
    },
  };
  return { definition, method };
};
