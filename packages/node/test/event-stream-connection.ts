import type { ServerResponse } from 'node:http';
import type { AuthpipeEvent } from '@authpipe/types';
import type { Received } from './received.js';

/** The server's side of one client's event stream: the test says what goes over it. */
export class EventStreamConnection {
  readonly request: Received;
  readonly #outgoing: ServerResponse;
  #isOpen = true;

  constructor(request: Received, outgoing: ServerResponse) {
    this.request = request;
    this.#outgoing = outgoing;
    outgoing.on('close', () => {
      this.#isOpen = false;
    });
    outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    outgoing.flushHeaders();
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** What the server says first. */
  ready({ resumed = false, id = '1000', heartbeatSeconds = 10 } = {}): void {
    this.write(`event: ready\nid: ${id}\ndata: ${JSON.stringify({ resumed, heartbeatSeconds })}\n\n`);
  }

  send(event: AuthpipeEvent, id = '1001'): void {
    this.write(`id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }

  heartbeat(): void {
    this.write(': heartbeat\n\n');
  }

  /** Text as it is. */
  write(text: string): void {
    this.#outgoing.write(text);
  }

  /** Ends it as a deploy does. */
  end(): void {
    this.#outgoing.end();
  }

  /** Drops the connection. */
  cut(): void {
    this.#outgoing.destroy();
  }
}

/** An event about the connection of `credential()`. */
export const event = (type: AuthpipeEvent['type'], more: Partial<AuthpipeEvent> = {}): AuthpipeEvent => ({
  id: 'evt_1',
  type,
  time: '2026-01-01T00:00:00.000Z',
  environment: 'test',
  connectionId: 'conn_1',
  integration: 'okta',
  provider: 'okta',
  tenantId: 'org_acme',
  owner: 'user',
  userId: 'user_123',
  label: 'default',
  version: 1,
  status: 'healthy',
  reason: null,
  metadata: {},
  ...more,
});
