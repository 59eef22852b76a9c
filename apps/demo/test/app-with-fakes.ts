import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authpipe, type Connection } from '@authpipe/node';
import { type RunningApp, startApp } from '../src/app/server.js';

/** Planted: they must be in no answer of the app. */
export const API_KEY = 'ap_test_planted_key_of_the_sample_app_backend';
export const ACCESS_TOKEN = 'planted-access-token-of-the-okta-org';

export const CONNECTION: Connection = {
  id: 'conn_1',
  environment: 'test',
  integration: 'okta',
  provider: 'okta',
  authMethod: 'user-oauth',
  kind: 'oauth2',
  tenantId: 'org_acme',
  owner: 'user',
  userId: 'user_123',
  label: 'default',
  status: 'healthy',
  reason: null,
  since: '2026-01-01T00:00:00.000Z',
  reconnectBy: '2026-04-01T00:00:00.000Z',
  account: { id: '00u1', name: 'Ada Lovelace', email: 'ada@acme.test' },
  scopes: ['openid', 'okta.users.read'],
  missingScopes: [],
  config: { domain: 'acme.okta.com' },
  metadata: {},
  version: 1,
  lostScopes: [],
  failedApi: null,
  verifiedAt: '2026-01-01T00:00:00.000Z',
  verifiedBy: 'connect',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
};

/** A request that one of the fakes was sent. */
interface SeenRequest {
  readonly call: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** Authpipe's API and an Okta org in one small server, and what both were asked. */
export class Fakes {
  readonly seen: SeenRequest[] = [];
  connections: Connection[] = [];
  /** Answers to calls such as `GET /v1/credentials`, before the usual ones. */
  readonly answers = new Map<string, { status: number; body: unknown }>();
  /** How often `/readyz` says no first. */
  notReadyTimes = 0;
  url = '';
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      const call = `${request.method} ${request.url?.split('?')[0]}`;
      this.seen.push({ call, authorization: request.headers.authorization, body: await readBody(request) });
      const { status, body } = this.answers.get(call) ?? this.#usualAnswer(call);
      response.writeHead(status, {
        'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
        'Cache-Control': 'no-store',
      });
      response.end(JSON.stringify(body));
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  calls(): string[] {
    return this.seen.map(({ call }) => call);
  }

  lastOf(call: string): SeenRequest | undefined {
    return this.seen.findLast((request) => request.call === call);
  }

  #usualAnswer(call: string): { status: number; body: unknown } {
    switch (call) {
      case 'GET /readyz':
        return this.notReadyTimes-- > 0 ? { status: 503, body: {} } : { status: 200, body: {} };
      case 'GET /v1/connections':
        return { status: 200, body: { data: this.connections, nextCursor: null } };
      case 'POST /v1/connect-sessions':
        return {
          status: 201,
          body: {
            id: 'sess_1',
            token: 'aps_session.token',
            url: `${this.url}/connect?code=c`,
            expiresAt: '2126-01-01T00:00:00.000Z',
          },
        };
      case 'GET /v1/credentials':
        return { status: 200, body: credentialAt(this.url) };
      case 'GET /api/v1/users':
        return {
          status: 200,
          body: [
            {
              id: '00u1',
              status: 'ACTIVE',
              profile: {
                login: 'ada@acme.test',
                email: 'ada@acme.test',
                firstName: 'Ada',
                lastName: 'Lovelace',
              },
            },
          ],
        };
      case 'DELETE /v1/connections/conn_1':
        this.connections = [];
        return { status: 200, body: { id: 'conn_1', revokedAtProvider: true } };
      case 'POST /v1/connections/conn_1/check':
      case 'POST /v1/connections/conn_1/report':
        return { status: 200, body: CONNECTION };
      case 'PUT /v1/integrations/okta':
        return { status: 200, body: { integrationId: 'okta' } };
      default:
        return { status: 404, body: problem('not_found', 404) };
    }
  }
}

export const problem = (code: string, status: number) => ({
  type: `https://authpipe.test/errors/${code}`,
  title: code,
  status,
  detail: `It is ${code}.`,
  code,
  retryable: false,
  requestId: 'req_1',
});

const credentialAt = (baseUrl: string) => ({
  credential: ACCESS_TOKEN,
  kind: 'oauth2',
  tokenType: 'Bearer',
  headers: { Authorization: `Bearer ${ACCESS_TOKEN}` },
  expiresAt: '2126-01-01T00:00:00.000Z',
  refreshAfter: '2126-01-01T00:00:00.000Z',
  scopes: ['okta.users.read'],
  connectionId: 'conn_1',
  version: 1,
  status: 'healthy',
  reason: null,
  account: null,
  baseUrl,
});

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
}

/** The sample app in front of the fakes, and a browser's way of asking it. */
export class AppUnderTest {
  readonly fakes = new Fakes();
  now = new Date('2026-01-01T00:00:00Z');
  /** Every body and header the app answered with. */
  readonly transcript: string[] = [];
  cookie = '';
  #app: RunningApp | undefined;
  #webFolder: string | undefined;
  #authpipe: Authpipe | undefined;

  get origin(): string {
    return `http://localhost:${this.#app?.port}`;
  }

  async start(): Promise<void> {
    await this.fakes.listen();
    const webFolder = mkdtempSync(join(tmpdir(), 'authpipe-sample-app-'));
    this.#webFolder = webFolder;
    mkdirSync(join(webFolder, 'assets'));
    writeFileSync(join(webFolder, 'index.html'), '<title>Crewdesk</title>');
    this.#authpipe = new Authpipe({ apiKey: API_KEY, baseUrl: this.fakes.url });
    const port = await freePort();
    this.#app = await startApp({
      port,
      publicUrl: new URL(`http://localhost:${port}`),
      authpipe: this.#authpipe,
      authpipePublicUrl: this.fakes.url,
      webFolder,
      now: () => this.now,
    });
  }

  async stop(): Promise<void> {
    await this.#app?.close();
    this.#authpipe?.close();
    await this.fakes.close();
    if (this.#webFolder) rmSync(this.#webFolder, { recursive: true });
  }

  /** Opens the page, as a browser does first, and keeps its cookie. */
  async open(): Promise<Response> {
    const response = await fetch(`${this.origin}/`);
    this.cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
    return response;
  }

  /** Asks the API as the app's own page does, unless told otherwise. A header of `null` is left out. */
  async ask(
    method: string,
    path: string,
    headers: Record<string, string | null> = {},
    body?: string,
  ): Promise<{ status: number; json: unknown }> {
    const own = { cookie: this.cookie, origin: this.origin, 'sec-fetch-site': 'same-origin' };
    const sent = Object.entries({ ...own, ...headers }).filter(
      (pair): pair is [string, string] => pair[1] !== null,
    );
    const response = await fetch(this.origin + path, {
      method,
      headers: Object.fromEntries(sent),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    this.transcript.push(text, JSON.stringify([...response.headers]));
    return { status: response.status, json: text === '' ? null : JSON.parse(text) };
  }
}

/** The app must know its own origin before it listens, so the port is found first. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
