import { type AuthpipeEvent, authpipeEvent } from '@authpipe/types';
import type { ApiKeyIdentity } from '../../access/api-key-store.js';
import { Problem } from '../../errors/problem.js';
import { formatCursor, parseCursor } from '../../events/event-cursor.js';
import { CONFIRM_SECONDS, type EventFeed, type EventFollower } from '../../events/event-feed.js';
import { openEventStream } from '../event-stream.js';
import type { StreamInput, StreamRoute } from '../route.js';

/** Streams of one key at one server: far more processes than a product has, far fewer than would hurt. */
const MAX_STREAMS_PER_KEY = 1_000;

const isFor = ({ environment, tenantId }: ApiKeyIdentity, event: AuthpipeEvent): boolean =>
  event.environment === environment && (tenantId === null || event.tenantId === tenantId);

/** What the key may see of an event: the app's own metadata belongs to those who may read connections. */
const visibleOf = (event: AuthpipeEvent, mayReadConnections: boolean): AuthpipeEvent =>
  mayReadConnections ? event : { ...event, metadata: {} };

/**
 * The stream of events, for caches and programs that want to know at once. First comes `ready` with `resumed` (whether
 * all since `Last-Event-ID` follows) and `heartbeatSeconds`; then events; a comment every `heartbeatSeconds` says that
 * nothing committed until then is missing. Ends when the server stops or the key is no longer accepted.
 */
export const eventRoute = (
  feed: Pick<EventFeed, 'follow' | 'leave'>,
  allows: (key: ApiKeyIdentity, scope: 'connections:read') => boolean,
): StreamRoute => {
  const open = new Map<string, number>();

  const count = (keyId: string, change: 1 | -1): void => {
    const now = (open.get(keyId) ?? 0) + change;
    if (now === 0) open.delete(keyId);
    else open.set(keyId, now);
  };

  const follow = async ({ key, lastEventId, verifyAgain, response }: StreamInput): Promise<void> => {
    const mayReadConnections = allows(key, 'connections:read');
    let stream: ReturnType<typeof openEventStream> | null = null;
    const follower: EventFollower = {
      begin(cursor, resumed) {
        stream = openEventStream(response, () => {
          feed.leave(follower);
          count(key.id, -1);
        });
        count(key.id, 1);
        stream.send({
          id: formatCursor(cursor),
          type: 'ready',
          data: { resumed, heartbeatSeconds: CONFIRM_SECONDS },
        });
      },
      deliver({ position, event }) {
        if (!isFor(key, event)) return;
        const id = formatCursor({ position, eventId: event.id });
        stream?.send({ id, type: event.type, data: visibleOf(event, mayReadConnections) });
      },
      confirm() {
        stream?.comment('heartbeat');
        // A database that is away says nothing of the key.
        verifyAgain().catch((error: unknown) => {
          if (error instanceof Problem) stream?.end();
        });
      },
      drained: () => stream?.drained() ?? Promise.resolve(),
      end: () => (stream ? stream.end() : response.destroy()),
    };
    // Gone before it began: nobody would take it off the list.
    response.once('close', () => feed.leave(follower));
    await feed.follow(follower, parseCursor(lastEventId));
  };

  return {
    method: 'get',
    path: '/events',
    scope: 'stream',
    scopes: ['credentials:read', 'connections:read'],
    summary: 'Events as they happen, as server-sent events; resumable by Last-Event-ID',
    answer: authpipeEvent,
    answerType: 'text/event-stream',
    async open(input) {
      if ((open.get(input.key.id) ?? 0) >= MAX_STREAMS_PER_KEY) {
        throw new Problem(
          'rate_limited',
          `This API key has ${MAX_STREAMS_PER_KEY} streams open here: close those that are not needed.`,
          { retryAfterSeconds: 60 },
        );
      }
      await follow(input);
    },
  };
};
