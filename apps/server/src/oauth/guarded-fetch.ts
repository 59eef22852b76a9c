import type { LookupAddress } from 'node:dns';
import { lookup as resolveByDns } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { type HttpAnswer, isLoopbackHost } from '@authpipe/providers';
import { Agent, type Dispatcher, request as send } from 'undici';
import type { Logger } from '../log/logger.js';
import { DepartingHandler } from './departing-handler.js';
import { isAddress, isLoopbackAddress, isPublicAddress } from './public-address.js';

/** A provider that takes longer is down for our purposes; leases and hosted pages are dimensioned by it. */
export const DEFAULT_TIMEOUT_MILLIS = 10_000;

/** Far above any token answer, metadata or key set seen in the wild; far below what would hurt the process. */
const LIMIT_BYTES = 1_048_576;

/** What is sent; the body is text that is ready to go. */
export interface OutgoingRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Answers a redirect as it came, unread and never followed, instead of refusing it: where it leads is the answer. */
  readonly reportsRedirect?: boolean;
  /** Runs as the first byte is about to be written. What it throws keeps the request from being sent. */
  readonly onDeparture?: () => void;
}

/** An answer, read whole. */
export interface FetchedAnswer extends HttpAnswer {
  readonly text: string;
}

/** Why no answer was taken. `forbidden` is a wrong address, the others are the provider's trouble. */
export type FetchFailure = 'forbidden' | 'redirect' | 'too_large' | 'timeout' | 'network';

/** No answer was taken. The message names no path, query or content: those may hold secrets. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  constructor(
    readonly failure: FetchFailure,
    message: string,
    options?: { cause: unknown },
  ) {
    super(message, options);
  }
}

/** Sends a request to a provider. @throws FetchError when no answer was taken; answers of any status but 3xx are returned */
export type GuardedFetch = (request: OutgoingRequest) => Promise<FetchedAnswer>;

export interface GuardedFetchOptions {
  /** Development only: loopback hosts may be asked, over plain HTTP too. Other hosts stay under the strict rules. */
  readonly allowLoopback: boolean;
  readonly log: Logger;
  /** From the first packet to the last byte. 10 s unless told. */
  readonly timeoutMillis?: number;
  /** Who is asked, for the log. `the provider` unless told. */
  readonly whom?: string;
  /** DNS; the system's resolver unless told. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

const forbidden = (hostname: string): FetchError =>
  new FetchError('forbidden', `${hostname} is not a host on the public internet.`);

/**
 * Resolves for the socket itself, so that the address that was checked is the address that is connected to: a second
 * DNS answer (rebinding) is never asked for. One bad address among several refuses them all.
 */
const checkedLookup =
  (resolve: NonNullable<GuardedFetchOptions['resolve']>, allowLoopback: boolean): LookupFunction =>
  (hostname, options, callback) => {
    const permits = allowLoopback && isLoopbackHost(hostname) ? isLoopbackAddress : isPublicAddress;
    resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => permits(address))) {
          callback(forbidden(hostname), '', 0);
        } else if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };

const readBounded = async (body: Dispatcher.ResponseData['body'], hostname: string): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > LIMIT_BYTES) throw new FetchError('too_large', `The answer of ${hostname} is too large.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

/** Some providers refuse requests without a name; none has to compress what is bounded anyway. */
const OWN_HEADERS = { 'user-agent': 'authpipe', 'accept-encoding': 'identity' };

/** Headers that came more than once as one line. @see RFC 9110 section 5.2 */
const oneLineEach = (headers: Dispatcher.ResponseData['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : String(value)]),
  );

const parseBody = (text: string): unknown => {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** The error of ours inside what undici threw, or the closest of our words for it. */
const translated = (error: unknown, hostname: string, isLate: boolean): FetchError => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof FetchError) return cause;
  }
  return isLate
    ? new FetchError('timeout', `${hostname} did not answer in time.`, { cause: error })
    : new FetchError('network', `${hostname} could not be reached.`, { cause: error });
};

/**
 * The only way to a provider: bounded in time and bytes, never follows a redirect (a client secret would go with it),
 * and never reaches a private or loopback address, whatever DNS says.
 * @see RFC 9700 section 4.11 (redirects)
 */
export const createGuardedFetch = ({
  allowLoopback,
  log,
  timeoutMillis = DEFAULT_TIMEOUT_MILLIS,
  whom = 'the provider',
  resolve = (hostname) => resolveByDns(hostname, { all: true }),
}: GuardedFetchOptions): GuardedFetch => {
  const dispatcher = new Agent({ connect: { lookup: checkedLookup(resolve, allowLoopback) } });

  const departing = (onDeparture: () => void): Dispatcher =>
    dispatcher.compose(
      (dispatch) => (options, handler) => dispatch(options, new DepartingHandler(handler, onDeparture)),
    );

  const checkUrl = (url: URL): void => {
    const loopback = allowLoopback && isLoopbackHost(url.hostname);
    const secure = url.protocol === 'https:' || (loopback && url.protocol === 'http:');
    if (!secure || url.username !== '' || url.password !== '') throw forbidden(url.hostname);
    // The socket does not look addresses up, so they are checked here.
    if (!loopback && isAddress(url.hostname) && !isPublicAddress(url.hostname)) throw forbidden(url.hostname);
  };

  const read = async (
    url: URL,
    { method, headers, body, reportsRedirect = false, onDeparture }: OutgoingRequest,
    signal: AbortSignal,
  ): Promise<FetchedAnswer> => {
    const response = await send(url, {
      method: method as Dispatcher.HttpMethod,
      headers: { ...OWN_HEADERS, ...headers },
      dispatcher: onDeparture ? departing(onDeparture) : dispatcher,
      signal,
      ...(body === undefined ? {} : { body }),
    });
    const { statusCode: status } = response;
    if (status >= 300 && status < 400) {
      // Left unread: that it was cut off is no news.
      response.body.on('error', () => {}).destroy();
      if (reportsRedirect)
        return { status, headers: oneLineEach(response.headers), body: undefined, text: '' };
      throw new FetchError('redirect', `${url.hostname} redirected a request that must not be redirected.`);
    }
    const text = await readBounded(response.body, url.hostname);
    return { status, headers: oneLineEach(response.headers), body: parseBody(text), text };
  };

  return async (request) => {
    const url = new URL(request.url);
    checkUrl(url);
    const signal = AbortSignal.timeout(timeoutMillis);
    try {
      const answer = await read(url, request, signal);
      log.debug({ host: url.host, method: request.method, status: answer.status }, `asked ${whom}`);
      return answer;
    } catch (error) {
      const failure = translated(error, url.hostname, signal.aborted);
      log.debug(
        { host: url.host, method: request.method, failure: failure.failure },
        `no answer of ${whom} taken`,
      );
      throw failure;
    }
  };
};
