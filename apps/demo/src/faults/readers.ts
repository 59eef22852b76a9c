import { setTimeout as sleep } from 'node:timers/promises';
import { Authpipe, AuthpipeError } from '@authpipe/node';
import type { Credential } from '@authpipe/types';
import { readCredential, tryAtOrg } from './call-server.js';
import type { World } from './world.js';

/** What readers have met so far. */
export interface ReaderNotes {
  reads: number;
  /** Reads that gave a credential. */
  served: number;
  /** Answers without one, by their code; `no_answer` where a server was down. */
  readonly refusedReads: Map<string, number>;
  /** Credentials tried at the org. */
  tried: number;
  expiredServed: number;
  readonly needsReconnect: Set<string>;
  readonly refusals: { readonly connectionId: string; readonly atMillis: number }[];
}

export interface Readers {
  readonly notes: ReaderNotes;
  stop(): Promise<void>;
}

const PAUSE_MILLIS = 200;
/** Every fourth credential is tried at the org. */
const TRY_EVERY = 4;
/** The org's times are in whole seconds: in its last second a token may be over a moment early. */
const END_TOLERANCE_MILLIS = 1_500;

type Read = (connectionId: string) => Promise<Credential | string>;

/** Readers over HTTP, two for each server, and one through the client library for each: all of them read all the time. */
export function startReaders(world: World, random: () => number): Readers {
  const notes: ReaderNotes = {
    reads: 0,
    served: 0,
    refusedReads: new Map(),
    tried: 0,
    expiredServed: 0,
    needsReconnect: new Set(),
    refusals: [],
  };
  const stopped = new AbortController();
  const clients = world.servers.map(
    ({ url }) => new Authpipe({ apiKey: world.apiKey, baseUrl: url, timeoutMillis: 15_000 }),
  );
  const overHttp = world.servers.map(
    ({ url }): Read =>
      async (connectionId) => {
        const { body, code } = await readCredential(url, world.apiKey, connectionId);
        return body ?? code ?? 'no_answer';
      },
  );
  const throughClients = clients.map(
    (client): Read =>
      async (connectionId) => {
        try {
          return await client.getCredential({ connectionId });
        } catch (error) {
          return error instanceof AuthpipeError ? error.code : 'no_answer';
        }
      },
  );

  const look = async (read: Read): Promise<void> => {
    const connection = world.ledger.connections[Math.floor(random() * world.ledger.connections.length)];
    if (!connection) return;
    const { connectionId } = connection;
    const askedAt = Date.now();
    const answer = await read(connectionId);
    notes.reads += 1;
    if (typeof answer === 'string') {
      notes.refusedReads.set(answer, (notes.refusedReads.get(answer) ?? 0) + 1);
      if (answer === 'needs_reconnect') notes.needsReconnect.add(connectionId);
      return;
    }
    notes.served += 1;
    const endsAt = answer.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(answer.expiresAt);
    // It was over before it was asked for: no time that the answer took explains it.
    if (endsAt <= askedAt) notes.expiredServed += 1;
    if (notes.served % TRY_EVERY !== 0) return;
    notes.tried += 1;
    const status = await tryAtOrg(world.org.url, answer);
    const atMillis = Date.now();
    if (status === 401 && atMillis < endsAt - END_TOLERANCE_MILLIS)
      notes.refusals.push({ connectionId, atMillis });
  };
  const loop = async (read: Read): Promise<void> => {
    while (!stopped.signal.aborted) {
      await look(read);
      await sleep(PAUSE_MILLIS * (0.5 + random()));
    }
  };
  const loops = [...overHttp, ...overHttp, ...throughClients].map(loop);
  return {
    notes,
    async stop() {
      stopped.abort();
      await Promise.all(loops);
      for (const client of clients) client.close();
    },
  };
}
