import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HttpAnswer, ProbeVerdict, ProviderDefinition, TypedMethod } from '@authpipe/providers';

/** A provider of keys, pairs and clients that answers as it is told, and writes down what it was asked. */
export interface TypedProvider {
  readonly host: string;
  /** What each request came with. */
  readonly asked: {
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
  }[];
  /** How the next requests are answered; `null` hangs up. */
  answer: (path: string) => { status: number; body?: object } | null;
  close(): Promise<void>;
}

export const startTypedProvider = async (): Promise<TypedProvider> => {
  const asked: TypedProvider['asked'] = [];
  const provider: TypedProvider = {
    host: '',
    asked,
    answer: () => ({ status: 200, body: {} }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const path = request.url ?? '';
    asked.push({ path, headers: request.headers, body });
    const answer = provider.answer(path);
    if (answer === null) {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(provider, { host: `localhost:${(server.address() as AddressInfo).port}` });
};

const readAnswer = ({ status }: HttpAnswer): ProbeVerdict => {
  if (status === 200) return { result: 'ok', reason: null };
  if (status === 401) return { result: 'dead', reason: 'key_invalid' };
  if (status === 403) return { result: 'degraded', reason: 'role_lost' };
  return { result: 'inconclusive', reason: status >= 500 ? 'provider_down' : null };
};

const probes = [
  { kind: 'request', url: 'https://{site}/me', read: readAnswer },
] as const satisfies TypedMethod['probes'];
const words = { description: 'A method for tests.', helpUrl: 'https://typed.test/how' };

/** One method of each kind that is typed. */
export const TYPED_METHODS = {
  api_key: {
    id: 'api_key',
    kind: 'api_key',
    name: 'API key',
    ...words,
    probes,
    fields: {
      apiKey: {
        label: 'API key',
        example: 'tk_0123456789',
        pattern: 'tk_[0-9a-z]{10}',
        secret: true,
        description: 'Under Settings, Keys.',
        helpUrl: 'https://typed.test/key',
      },
    },
    headers: { 'x-typed-key': '{apiKey}' },
    tokenType: 'ApiKey',
  },
  basic: {
    id: 'basic',
    kind: 'basic',
    name: 'User and password',
    ...words,
    probes,
    fields: {
      username: { label: 'User name', example: 'robot', secret: false },
      password: { label: 'Password', example: '', secret: true },
    },
  },
  webhook_secret: {
    id: 'webhook_secret',
    kind: 'webhook_secret',
    name: 'Webhook secret',
    ...words,
    probes: [],
    fields: { webhookSecret: { label: 'Webhook secret', example: 'whsec_…', secret: true } },
  },
  client_credentials: {
    id: 'client',
    kind: 'client_credentials',
    name: 'API client',
    ...words,
    endpoints: { source: 'fixed', token: 'https://{site}/token' },
    clientAuthentication: 'client_secret_post',
    scopes: [],
    defaultScopes: [],
    acceptsOtherScopes: true,
    scopeSeparator: ' ',
    tokenRequestFormat: 'form',
    accessTokenLifetimeSeconds: 600,
    readTokenError: ({ status }) => ({
      outcome: status >= 500 ? 'transient' : 'integration',
      reason: status >= 500 ? 'provider_down' : 'client_secret_invalid',
      detail: 'The provider refused.',
    }),
    probes,
  },
} as const satisfies Record<TypedMethod['kind'], TypedMethod>;

/** A provider whose people type what it takes; its site is typed too, unless told. */
export const typedDefinition = (methods: readonly [TypedMethod, ...TypedMethod[]]): ProviderDefinition => ({
  id: 'typed',
  name: 'Typed',
  category: 'Security',
  description: 'A provider of things to type, for tests.',
  websiteUrl: 'https://typed.test',
  sources: [],
  authMethods: methods,
  config: {
    site: {
      kind: 'host',
      label: 'Typed site',
      description: 'Where you sign in.',
      example: 'acme.typed.test',
      required: true,
      helpUrl: 'https://typed.test/site',
      parse: (value) =>
        value.endsWith('.typed.test')
          ? { ok: true, value }
          : { ok: false, error: 'That is no site of Typed. Type one such as acme.typed.test.' },
    },
  },
  api: { baseUrl: 'https://{site}', readError: readAnswer },
});
