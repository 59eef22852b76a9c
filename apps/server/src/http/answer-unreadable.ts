import type { Socket } from 'node:net';
import { Problem } from '../errors/problem.js';
import { newId, type Randomness } from '../randomness.js';
import { problemDocumentOf } from './problem-response.js';

/** What Node's parser says, in words for a caller. */
const DETAILS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: 'The headers are larger than 16 KiB.',
  ERR_HTTP_REQUEST_TIMEOUT: 'The request took too long to arrive.',
};

/** Answers what is no request, before there is one, with a problem document too: for a server's `clientError`. */
export const answerUnreadable =
  (randomness: Randomness, publicUrl: string) =>
  (error: NodeJS.ErrnoException, socket: Pick<Socket, 'writable' | 'end' | 'destroy'>): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const detail = DETAILS[error.code ?? ''] ?? 'The request could not be read: send HTTP/1.1.';
    const requestId = newId('req', randomness);
    const problem = new Problem('invalid_request', detail);
    const body = JSON.stringify(problemDocumentOf(problem, requestId, publicUrl));
    const head = [
      'HTTP/1.1 400 Bad Request',
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Cache-Control: no-store',
      `X-Request-Id: ${requestId}`,
      'Connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  };
