import type { AuthpipeEvent, Connection, EventType } from '@authpipe/types';
import { MemoryEventStream } from './memory-event-stream.js';

/** The longest that the client accepts: its patience then outlasts most steps of a test's clock. */
const HEARTBEAT_SECONDS = 300;

/** What an event may say beside what its connection says. */
export type EventExtras = Pick<AuthpipeEvent, 'invalidatesPrevious'>;

/** What happened, in order, and the streams that tell of it. */
export class EventLog {
  readonly #now: () => number;
  readonly #events: AuthpipeEvent[] = [];
  readonly #streams = new Set<MemoryEventStream>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Everything that happened, the oldest first. */
  get events(): readonly AuthpipeEvent[] {
    return [...this.#events];
  }

  /** Whether every client has acted on everything. */
  get isHeeded(): boolean {
    return [...this.#streams].every((stream) => stream.isHeeded);
  }

  /** An event about a connection as it is now, which nobody is told of. */
  eventOf(type: EventType, connection: Connection, extras: EventExtras = {}): AuthpipeEvent {
    const { id, environment, integration, provider, tenantId, owner, userId, label } = connection;
    const { version, status, reason, metadata } = connection;
    return {
      id: `evt_test_${this.#events.length + 1}`,
      type,
      time: new Date(this.#now()).toISOString(),
      ...{ environment, connectionId: id, integration, provider, tenantId, owner, userId, label },
      ...{ version, status, reason, metadata },
      ...extras,
    };
  }

  /** Writes an event and tells every stream. */
  tell(type: EventType, connection: Connection, extras?: EventExtras): void {
    const event = this.eventOf(type, connection, extras);
    this.#events.push(event);
    for (const stream of this.#streams) stream.send(textOf(event, this.#events.length));
  }

  /** Tells the last event again, with more to it: who acted on it already leaves this one alone. Not written. */
  insist(extras: EventExtras): void {
    const last = this.#events.at(-1);
    if (last === undefined) return;
    for (const stream of this.#streams) stream.send(textOf({ ...last, ...extras }, this.#events.length));
  }

  /** Shows every client that nothing is missing. */
  beat(): void {
    for (const stream of this.#streams) stream.send(': heartbeat\n\n');
  }

  /** Opens a stream, which goes on after `lastEventId` where the client names one. */
  open(lastEventId: string | null, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
    const stream: MemoryEventStream = new MemoryEventStream(signal, () => this.#streams.delete(stream));
    this.#streams.add(stream);
    const missedFrom = lastEventId === null ? this.#events.length : Number(lastEventId);
    const start = { resumed: lastEventId !== null, heartbeatSeconds: HEARTBEAT_SECONDS };
    stream.send(`id: ${missedFrom}\nevent: ready\ndata: ${JSON.stringify(start)}\n\n`);
    for (const [index, event] of this.#events.slice(missedFrom).entries()) {
      stream.send(textOf(event, missedFrom + index + 1));
    }
    stream.send(': heartbeat\n\n');
    return stream.body;
  }

  /** Breaks every stream. */
  cut(reason: unknown): void {
    for (const stream of [...this.#streams]) stream.cut(reason);
  }
}

const textOf = (event: AuthpipeEvent, id: number): string =>
  `id: ${id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
