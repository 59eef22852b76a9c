import { CookieJar } from 'tough-cookie';
import { exchange, type Incoming } from './http-exchange.js';
import { Page } from './page.js';

export interface BrowserOptions {
  /**
   * Stops in front of an address instead of going there: the walk returns a page with that `url`, status 0 and no
   * text. For the callback of an app that isn't running.
   */
  stopAt?: (url: URL) => boolean;
  /** How long one request may take, in milliseconds. Default 30,000. */
  timeoutMillis?: number;
}

/**
 * What a person with a browser without JavaScript can do: open pages, follow redirects from host to host, keep each
 * host's cookies, and submit the forms they find.
 */
export interface Browser {
  /** Goes to an address, as typed. Throws where nothing answers or redirects don't end. */
  open(url: string | URL): Promise<Page>;
  /**
   * Posts a form that is on no page, as a script on `origin` would to a popup. The answer is followed like any other.
   */
  post(url: string | URL, fields: Readonly<Record<string, string>>, from: { origin: string }): Promise<Page>;
  /** The cookies a request to this address would carry, by name. */
  cookies(url: string | URL): Promise<Record<string, string>>;
  /** Every address visited so far, redirects too, in order. */
  readonly visited: readonly string[];
}

/** As browsers limit it. */
const MAX_REDIRECTS = 20;
const FOLLOW_WITH_GET = new Set([301, 302, 303]);
const FOLLOW_UNCHANGED = new Set([307, 308]);

/** A request on its way: `origin` is the page it comes from, if it comes from one. */
interface Step {
  method: 'GET' | 'POST';
  url: URL;
  body?: string;
  origin?: string;
  referrer?: string;
}

/** A browser with an empty cookie jar. Make one for each person. */
export function createBrowser({ stopAt, timeoutMillis = 30_000 }: BrowserOptions = {}): Browser {
  const jar = new CookieJar();
  const visited: string[] = [];

  async function send(step: Step): Promise<Incoming> {
    visited.push(step.url.href);
    const answer = await exchange({
      method: step.method,
      url: step.url,
      headers: await headersOf(step),
      ...(step.body === undefined ? {} : { body: step.body }),
      signal: AbortSignal.timeout(timeoutMillis),
    });
    for (const cookie of answer.headers['set-cookie'] ?? []) {
      await jar.setCookie(cookie, step.url.href, { ignoreError: true });
    }
    return answer;
  }

  async function headersOf({ method, url, origin, referrer }: Step): Promise<Record<string, string>> {
    const cookies = await jar.getCookieString(url.href);
    return {
      Accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
      'User-Agent': 'authpipe-walk',
      ...(cookies === '' ? {} : { Cookie: cookies }),
      ...(method === 'POST'
        ? { 'Content-Type': 'application/x-www-form-urlencoded', Origin: origin ?? 'null' }
        : {}),
      ...(referrer === undefined ? {} : { Referer: referrer }),
    };
  }

  async function walk(first: Step): Promise<Page> {
    let step = first;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      if (stopAt?.(step.url)) return new Page({ url: step.url, status: 0, headers: {}, body: '' }, submit);
      const answer = await send(step);
      const next = redirected(step, answer);
      if (!next) return new Page({ url: step.url, ...answer }, submit);
      step = next;
    }
    throw new Error(`Redirects did not end after ${MAX_REDIRECTS}: last was ${step.url.href}`);
  }

  function submit(from: URL, method: 'GET' | 'POST', url: URL, fields: URLSearchParams): Promise<Page> {
    const referrer = `${from.origin}/`;
    if (method === 'POST')
      return walk({ method, url, body: fields.toString(), origin: from.origin, referrer });
    const target = new URL(url);
    target.search = fields.toString();
    return walk({ method, url: target, referrer });
  }

  return {
    visited,
    open: (url) => walk({ method: 'GET', url: new URL(url) }),
    post: (url, fields, { origin }) =>
      walk({ method: 'POST', url: new URL(url), body: new URLSearchParams(fields).toString(), origin }),
    async cookies(url) {
      const cookies = await jar.getCookies(new URL(url).href);
      return Object.fromEntries(cookies.map((cookie) => [cookie.key, cookie.value]));
    },
  };
}

function redirected(step: Step, { status, headers }: Incoming): Step | undefined {
  const follows = FOLLOW_WITH_GET.has(status) || FOLLOW_UNCHANGED.has(status);
  if (!follows || headers.location === undefined) return undefined;
  const url = new URL(headers.location, step.url);
  if (url.hash === '') url.hash = step.url.hash;
  if (FOLLOW_WITH_GET.has(status)) return { method: 'GET', url };
  // A body that moves to another origin no longer vouches for where it came from (Fetch, "HTTP-redirect fetch").
  const origin = url.origin === step.url.origin ? step.origin : 'null';
  return { ...step, url, ...(origin === undefined ? {} : { origin }) };
}
