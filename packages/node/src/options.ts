import { checkedObject } from './call-arguments.js';
import { type Clock, systemClock } from './clock.js';
import { invalidRequest } from './errors.js';
import { refuseUnknownKeys } from './known-keys.js';
import { type AuthpipeHooks, HOOK_NAMES } from './observe/hooks.js';

/** How a client is set up. */
export interface AuthpipeOptions {
  /** A secret key of the server (`ap_live_…`). Default: the environment variable `AUTHPIPE_API_KEY`. */
  readonly apiKey?: string | undefined;
  /** Where the server is, such as `https://auth.example.com`. Default: the environment variable `AUTHPIPE_URL`. */
  readonly baseUrl?: string | undefined;
  /** Used instead of the global `fetch` for calls to the Authpipe server. */
  readonly fetch?: typeof fetch | undefined;
  /** Used instead of the global `fetch` for calls to providers' APIs: a proxy, say, or a test. */
  readonly providerFetch?: typeof fetch | undefined;
  /** Used instead of the machine's clock. */
  readonly clock?: Clock | undefined;
  /** How many credentials are kept; the least recently read goes first. Default: 10,000. */
  readonly maxEntries?: number | undefined;
  /**
   * How old the server's word about a credential may be, in seconds: a revoked one is never served longer than this
   * while the server can be reached. 1 to 3,600. Default: 60.
   */
  readonly maxAgeSeconds?: number | undefined;
  /**
   * How long one request may take, answer included. Default: 15,000. The server waits up to 8 s for a provider whose token
   * has ended, then answers `provider_unavailable`: who waits less gets `server_unreachable` instead.
   */
  readonly timeoutMillis?: number | undefined;
  /**
   * Whether to listen to the server's event stream, so that changes are seen at once and what is cached need not be asked
   * for again. Opened after the first read, in the background. `false` where the process is frozen between requests
   * (serverless). Default: true.
   */
  readonly stream?: boolean | undefined;
  /**
   * Whether the server's audit is told how often credentials were served from memory, in sums that go along with other
   * calls. Default: true.
   */
  readonly reportUsage?: boolean | undefined;
  /** Functions that are told what the cache does. Default: none. */
  readonly hooks?: AuthpipeHooks | undefined;
}

const OPTION_KEYS = [
  'apiKey',
  'baseUrl',
  'maxAgeSeconds',
  'maxEntries',
  'timeoutMillis',
  'stream',
  'reportUsage',
  'hooks',
  'fetch',
  'providerFetch',
  'clock',
] as const satisfies readonly (keyof AuthpipeOptions)[];

/** Options after their check, with nothing left out. */
export interface CheckedOptions {
  readonly apiKey: string;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  /** Which environment the key opens: the middle of `ap_ENVIRONMENT_…`. */
  readonly environment: string;
  readonly fetch: typeof fetch;
  readonly providerFetch: typeof fetch;
  readonly clock: Clock;
  readonly maxEntries: number;
  readonly maxAgeSeconds: number;
  readonly timeoutMillis: number;
  readonly stream: boolean;
  /** The `fetch` that was given, for the stream: without one it uses sockets that let the process end. */
  readonly streamFetch: typeof fetch | undefined;
  readonly hooks: AuthpipeHooks | undefined;
  readonly reportUsage: boolean;
}

/** Enough for a product's active users; each entry takes a few kilobytes at most. */
const DEFAULT_MAX_ENTRIES = 10_000;
/** A revocation is seen within a minute, and a credential in constant use costs about a request and a half a minute. */
const DEFAULT_MAX_AGE_SECONDS = 60;
/** Longer than the server waits for a provider's token endpoint, which is 8 s. */
const DEFAULT_TIMEOUT_MILLIS = 15_000;

const API_KEY = /^ap_([a-z][a-z0-9]{0,31})_[A-Za-z0-9_-]{8,}$/;

/**
 * Checks options and fills in their defaults.
 * @throws AuthpipeError `invalid_request`, with a sentence that says what to change; it never shows the key.
 */
export const checkOptions = (options: AuthpipeOptions): CheckedOptions => {
  refuseBrowser(globalThis);
  checkedObject('options', options, '{ apiKey, baseUrl }');
  refuseUnknownKeys(options, OPTION_KEYS);
  const apiKey = options.apiKey ?? process.env.AUTHPIPE_API_KEY;
  return {
    apiKey: checkedKey(apiKey),
    environment: apiKey?.split('_')[1] ?? '',
    baseUrl: checkedUrl(options.baseUrl ?? process.env.AUTHPIPE_URL),
    fetch: options.fetch ?? globalThis.fetch,
    // Looked up at each call: what traces or intercepts calls replaces the global later than this.
    providerFetch: options.providerFetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? systemClock,
    maxEntries: wholeNumber('maxEntries', options.maxEntries ?? DEFAULT_MAX_ENTRIES, 1, 10_000_000),
    maxAgeSeconds: wholeNumber('maxAgeSeconds', options.maxAgeSeconds ?? DEFAULT_MAX_AGE_SECONDS, 1, 3_600),
    timeoutMillis: wholeNumber('timeoutMillis', options.timeoutMillis ?? DEFAULT_TIMEOUT_MILLIS, 1, 600_000),
    stream: checkedStream(options.stream ?? true),
    streamFetch: options.fetch,
    reportUsage: checkedReportUsage(options.reportUsage ?? true),
    hooks: options.hooks === undefined ? undefined : checkedHooks(options.hooks),
  };
};

/**
 * Refuses to run where a visitor could read the key. jsdom in a Node test has a document too, but also a real `process`.
 * @throws AuthpipeError `invalid_request`
 */
export const refuseBrowser = (scope: object): void => {
  const { document, process } = scope as {
    document?: unknown;
    process?: { versions?: { node?: string } };
  };
  if (document !== undefined && process?.versions?.node === undefined) {
    throw invalidRequest(
      '@authpipe/node was loaded in a browser, where everyone could read the API key: call it from your backend, and use @authpipe/react in the page.',
    );
  }
};

const checkedKey = (apiKey: string | undefined): string => {
  if (apiKey === undefined || apiKey === '') {
    throw invalidRequest('There is no API key: pass apiKey, or set AUTHPIPE_API_KEY.', '/apiKey');
  }
  if (typeof apiKey === 'string' && apiKey.startsWith('aps_')) {
    throw invalidRequest(
      'apiKey is the token of a connect session, which belongs in the browser: pass a key made by `authpipe keys create`.',
      '/apiKey',
    );
  }
  if (typeof apiKey !== 'string' || !API_KEY.test(apiKey)) {
    throw invalidRequest(
      'apiKey does not look like a key of Authpipe (ap_live_…, ap_test_…): copy it whole, without spaces or quotes.',
      '/apiKey',
    );
  }
  return apiKey;
};

const checkedUrl = (baseUrl: string | undefined): string => {
  if (baseUrl === undefined || baseUrl === '') {
    throw invalidRequest(
      "There is no server URL: pass baseUrl, or set AUTHPIPE_URL to the server's public address.",
      '/baseUrl',
    );
  }
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw invalidRequest(
      'baseUrl is not a URL: write it whole, such as https://auth.example.com.',
      '/baseUrl',
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalidRequest(
      'baseUrl may hold a host and a path only: take out the user name, `?…` and `#…`.',
      '/baseUrl',
    );
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    throw invalidRequest(
      `baseUrl sends the API key and every credential over http:// to ${url.hostname}, where the network can read them: use https://, also within a network of containers.`,
      '/baseUrl',
    );
  }
  if (/\/v1\/*$/.test(url.pathname)) {
    throw invalidRequest(
      'baseUrl ends in /v1, which this client adds itself: leave /v1 out of it.',
      '/baseUrl',
    );
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
};

/** @see RFC 6761 section 6.3 for `.localhost` */
const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' ||
  hostname.endsWith('.localhost') ||
  hostname === '[::1]' ||
  /^127(\.\d{1,3}){3}$/.test(hostname);

const checkedStream = (stream: boolean): boolean => {
  if (typeof stream !== 'boolean') throw invalidRequest('stream must be true or false.', '/stream');
  return stream;
};

const checkedReportUsage = (reportUsage: boolean): boolean => {
  if (typeof reportUsage !== 'boolean')
    throw invalidRequest('reportUsage must be true or false.', '/reportUsage');
  return reportUsage;
};

const checkedHooks = (hooks: AuthpipeHooks): AuthpipeHooks => {
  for (const [name, hook] of Object.entries(hooks ?? {})) {
    if (!HOOK_NAMES.some((known) => known === name)) {
      throw invalidRequest(`There is no hook ${name}: there are ${HOOK_NAMES.join(', ')}.`, `/hooks/${name}`);
    }
    if (hook !== undefined && typeof hook !== 'function')
      throw invalidRequest(`The hook ${name} must be a function.`, `/hooks/${name}`);
  }
  return { ...hooks };
};

const wholeNumber = (name: string, value: number, least: number, most: number): number => {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw invalidRequest(`${name} must be a whole number from ${least} to ${most}.`, `/${name}`);
  }
  return value;
};
