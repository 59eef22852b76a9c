import type * as Http from 'node:http';
import type * as Https from 'node:https';
import { notAuthpipe } from '../http-transport.js';
import { readProblem } from '../read-problem.js';

/** What is asked for, and how. */
export interface EventStreamRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Used instead of sockets of our own, which do not keep the process alive. */
  readonly fetch?: typeof fetch | undefined;
  readonly now: number;
}

interface StreamAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly chunks: AsyncIterable<string>;
}

/** Enough for a problem document; a page of something between is not read to its end. */
const LONGEST_REFUSAL = 65_536;

/**
 * Asks for an event stream and answers its text, piece by piece as it comes in.
 * @throws AuthpipeError where something else is answered; what the network throws, as it is
 */
export const openEventStream = async (request: EventStreamRequest): Promise<AsyncIterable<string>> => {
  const answer = await (request.fetch === undefined
    ? requestUnreferenced(request)
    : requestThroughFetch(request, request.fetch));
  const { status, headers, chunks } = answer;
  const { origin } = new URL(request.url);
  if (status < 200 || status >= 300) {
    throw readProblem({
      status,
      headers,
      body: await readUpTo(LONGEST_REFUSAL, chunks),
      origin,
      now: request.now,
    });
  }
  if (status !== 200 || headers.get('content-type')?.startsWith('text/event-stream') !== true) {
    throw notAuthpipe(origin, 'is not an event stream', status);
  }
  return chunks;
};

/** Through Node's own client, on a socket that lets the process end: `fetch` has none such. Follows no redirect. */
const requestUnreferenced = async ({ url, headers, signal }: EventStreamRequest): Promise<StreamAnswer> => {
  const { request, Agent } = nodeClient(url);
  const response = await new Promise<Http.IncomingMessage>((resolve, reject) => {
    // An agent of its own: in a shared one the stream would hold a socket that others wait for.
    const sent = request(url, { headers, signal, agent: new Agent({ keepAlive: false }) });
    sent.on('socket', (socket) => socket.unref());
    sent.on('response', resolve);
    sent.on('error', reject);
    sent.end();
  });
  response.setEncoding('utf8');
  // Who reads it learns of an error; one that is left unread must not end the process.
  response.on('error', () => undefined);
  const pairs = Object.entries(response.headers).map(
    ([name, value]) => [name, String(value)] as [string, string],
  );
  return { status: response.statusCode ?? 0, headers: new Headers(pairs), chunks: response };
};

/** Not imported, so that a browser's bundle gets as far as the sentence that refuses it. */
const nodeClient = (url: string): typeof Http | typeof Https =>
  url.startsWith('https:') ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');

const requestThroughFetch = async (
  { url, headers, signal }: EventStreamRequest,
  fetch: typeof globalThis.fetch,
): Promise<StreamAnswer> => {
  const response = await fetch(url, { headers, signal, redirect: 'manual' });
  return { status: response.status, headers: response.headers, chunks: textOf(response) };
};

async function* textOf({ body }: Response): AsyncGenerator<string, void, undefined> {
  if (body === null) return;
  const decoder = new TextDecoder();
  for await (const bytes of body) yield decoder.decode(bytes, { stream: true });
}

const readUpTo = async (limit: number, chunks: AsyncIterable<string>): Promise<string> => {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > limit) break;
  }
  return text.slice(0, limit);
};
