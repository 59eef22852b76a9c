import { lookup } from 'node:dns';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';

/** One request as the browser sends it. */
export interface Outgoing {
  method: 'GET' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  signal: AbortSignal;
}

/** One answer, read to its end. Redirects are not followed here. */
export interface Incoming {
  status: number;
  /** Lower-case names. */
  headers: IncomingMessage['headers'];
  body: string;
}

/** Browsers send `anything.localhost` to this machine without asking DNS; Node asks. */
const lookupAsBrowsersDo: LookupFunction = (hostname, options, callback) =>
  lookup(hostname.endsWith('.localhost') ? 'localhost' : hostname, options, callback);

/** Sends one request. Rejects with the system's error where there is no answer. */
export function exchange({ method, url, headers, body, signal }: Outgoing): Promise<Incoming> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const outgoing = send(
      url,
      // No keep-alive: an idle connection would hold up the end of a test.
      { method, headers: { ...headers, ...length }, lookup: lookupAsBrowsersDo, agent: false, signal },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
