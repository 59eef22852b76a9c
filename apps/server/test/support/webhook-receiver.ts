import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AuthpipeEvent } from '@authpipe/types';
import { jest } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../src/clock.js';

/** A webhook as it came in. */
export interface ReceivedWebhook {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly event: AuthpipeEvent;
}

/**
 * How a receiver answers: a status, perhaps with headers; `lose`: it has the webhook, and the answer gets lost; `hang`:
 * no answer comes.
 */
export type Reaction =
  | number
  | 'lose'
  | 'hang'
  | { readonly status: number; readonly headers: Record<string, string>; readonly body?: string };

const readBody = async (request: IncomingMessage): Promise<string> => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  return body;
};

/** The same check as a receiver would make, at the time of the test: the library looks at the machine's clock. */
export const verifyAt = (now: Date, secret: string, { body, headers }: ReceivedWebhook): AuthpipeEvent => {
  const spy = jest.spyOn(Date, 'now').mockReturnValue(now.getTime());
  try {
    return new Webhook(secret).verify(body, { ...headers }) as AuthpipeEvent;
  } finally {
    spy.mockRestore();
  }
};

/** A real HTTP server that takes webhooks. Each is verified by the library; one that is forged fails the test. */
export const startReceiver = async (clock: Clock) => {
  const received: ReceivedWebhook[] = [];
  const accepted: string[] = [];
  const forged: unknown[] = [];
  const waiting: (() => void)[] = [];
  const receiver = {
    url: '',
    /** Given out once by the server. */
    secret: '',
    /** All that came in, answered or not. */
    received,
    /** Ids that were answered with a 2xx, in that order. */
    accepted,
    /** What the library refused. */
    forged,
    /** How it answers; 204, unless told. */
    react: (_webhook: ReceivedWebhook): Reaction | Promise<Reaction> => 204,
    /** Waits until so many came in. */
    async until(count: number): Promise<void> {
      while (received.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    stop: async (): Promise<void> => {},
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request);
    const headers = request.headers as Record<string, string>;
    const webhook = { id: headers['webhook-id'] ?? '', headers, body, event: JSON.parse(body) };
    try {
      verifyAt(clock.now(), receiver.secret, webhook);
    } catch (error) {
      forged.push(error);
    }
    received.push(webhook);
    for (const go of waiting.splice(0)) go();
    const reaction = await receiver.react(webhook);
    if (reaction === 'hang') return;
    if (reaction === 'lose') {
      request.socket.destroy();
      return;
    }
    const {
      status,
      headers: own,
      body: text,
    } = typeof reaction === 'number' ? { status: reaction, headers: {}, body: '' } : reaction;
    if (status < 300) accepted.push(webhook.id);
    response.writeHead(status, own).end(text);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => forged.push(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks?key=planted-url-secret`;
  receiver.stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return receiver;
};

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
