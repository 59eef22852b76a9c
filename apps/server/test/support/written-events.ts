import type { AuthpipeEvent } from '@authpipe/types';
import type { NewEvent } from '../../src/db/append-event.js';
import type { Database, Transaction } from '../../src/db/database.js';
import type { EventCursor } from '../../src/events/event-cursor.js';
import type { EventFollower } from '../../src/events/event-feed.js';

let written = 0;

/** Writes one event in a transaction that is already open. Answers its id. */
export const writeEventIn = async (
  tx: Pick<Transaction, 'event'>,
  {
    type = 'connection.updated',
    time = new Date(),
    ...more
  }: Partial<NewEvent> & {
    type?: AuthpipeEvent['type'];
    time?: Date;
  } = {},
): Promise<string> => {
  written += 1;
  const id = `evt_${String(written).padStart(6, '0')}`;
  const payload: NewEvent = {
    ...{ environment: 'test', connectionId: 'conn_1', integration: 'okta', provider: 'okta' },
    ...{ tenantId: 'org_acme', owner: 'user', userId: 'user_123', label: 'default', version: 1 },
    ...{ status: 'healthy', reason: null, metadata: { plan: 'gold' } },
    ...more,
  };
  const { environment, connectionId, tenantId } = payload;
  await tx.event.create({ data: { id, type, environment, connectionId, tenantId, payload, time } });
  return id;
};

/** Writes one event and commits it. Answers its id. */
export const writeEvent = (db: Database, more?: Parameters<typeof writeEventIn>[1]): Promise<string> =>
  db.transaction((tx) => writeEventIn(tx, more));

/** A follower that remembers what it is told. */
export const rememberingFollower = () => {
  const told: string[] = [];
  const follower = {
    told,
    begun: null as { cursor: EventCursor; resumed: boolean } | null,
    confirmed: 0,
    ended: false,
    lastCursor: null as EventCursor | null,
  };
  const follow: EventFollower = {
    begin: (cursor, resumed) => {
      follower.begun = { cursor, resumed };
      follower.lastCursor = cursor;
    },
    deliver: ({ position, event }) => {
      told.push(event.id);
      follower.lastCursor = { position, eventId: event.id };
    },
    confirm: () => {
      follower.confirmed += 1;
    },
    drained: async () => {},
    end: () => {
      follower.ended = true;
    },
  };
  return Object.assign(follower, { follow });
};
