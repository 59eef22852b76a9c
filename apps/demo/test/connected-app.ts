import { type Org, type OrgOptions, startOrg } from '../src/org/index.js';
import { type Browser, createBrowser, type Page } from '../src/walk/index.js';

/** An app's callback where nothing listens: the walker stops in front of it. */
export const CALLBACK = 'http://app.localhost:1/connect/callback';
export const CLIENT_ID = '0oatest';
export const CLIENT_SECRET = 'planted-client-secret';

export const ALL = 'openid profile email offline_access okta.users.read okta.groups.read okta.apps.read';

export interface Tokens {
  access_token: string;
  refresh_token?: string;
  id_token?: string;
  expires_in: number;
  scope: string;
  token_type: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

/** Starts an org with one app on a free port. */
export function startTestOrg(options: Partial<OrgOptions> = {}): Promise<Org> {
  return startOrg({
    port: 0,
    clients: [{ clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, redirectUris: [CALLBACK] }],
    ...options,
  });
}

/** An app of the org, as far as a test needs one: it sends people to the org and calls the org's endpoints. */
export class ConnectedApp {
  constructor(readonly org: Org) {}

  authorizeUrl(parameters: Record<string, string | undefined> = {}): string {
    const url = new URL('/oauth2/v1/authorize', this.org.url);
    const all = {
      client_id: CLIENT_ID,
      redirect_uri: CALLBACK,
      response_type: 'code',
      scope: ALL,
      state: 'state-1',
      ...parameters,
    };
    for (const [name, value] of Object.entries(all))
      if (value !== undefined) url.searchParams.set(name, value);
    return url.href;
  }

  /** Signs in, allows, and stops in front of the callback. */
  async authorize(
    person = 'ada@acme.test',
    parameters: Record<string, string> = {},
    browser: Browser = newBrowser(),
  ): Promise<Page> {
    const signIn = await browser.open(this.authorizeUrl(parameters));
    const consent = await signIn.submit({ button: `person=${person}` });
    return consent.submit({ button: 'Allow access' });
  }

  /** The whole way to a set of tokens. */
  async connect(person?: string, scope: string = ALL): Promise<Tokens> {
    const callback = await this.authorize(person, { scope });
    const answer = await this.exchange(callback);
    if (answer.status !== 200) throw new Error(`The code was refused: ${answer.text}`);
    return answer.json as unknown as Tokens;
  }

  exchange(callback: Page, more: Record<string, string> = {}): Promise<Answer> {
    const code = callback.url.searchParams.get('code') ?? '';
    return this.post('/oauth2/v1/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CALLBACK,
      ...more,
    });
  }

  refresh(refreshToken: string | undefined, more: Record<string, string> = {}): Promise<Answer> {
    return this.post('/oauth2/v1/token', {
      grant_type: 'refresh_token',
      refresh_token: refreshToken ?? '',
      ...more,
    });
  }

  introspect(token: string | undefined): Promise<Answer> {
    return this.post('/oauth2/v1/introspect', { token: token ?? '' });
  }

  revoke(token: string | undefined): Promise<Answer> {
    return this.post('/oauth2/v1/revoke', { token: token ?? '' });
  }

  /** Calls an endpoint as the app, with its secret in the header. */
  post(path: string, form: Record<string, string>, secret: string = CLIENT_SECRET): Promise<Answer> {
    return this.send(path, {
      method: 'POST',
      headers: { Authorization: `Basic ${btoa(`${CLIENT_ID}:${secret}`)}` },
      body: new URLSearchParams(form),
    });
  }

  /** Calls the management API with a token. */
  api(path: string, accessToken: string): Promise<Answer> {
    return this.send(path, { headers: { Authorization: `Bearer ${accessToken}` } });
  }

  async send(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(new URL(path, this.org.url), { redirect: 'manual', ...init });
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, json: parse(text) };
  }
}

/** A person's browser that stops in front of the app. */
export function newBrowser(): Browser {
  return createBrowser({ stopAt: (url) => url.href.startsWith(CALLBACK) });
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
