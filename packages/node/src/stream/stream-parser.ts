import type { AuthpipeEvent } from '@authpipe/types';
import { createParser } from 'eventsource-parser';

/** What the server said first: whether nothing was missed since `Last-Event-ID`, and how often it will be heard. */
export interface StreamStart {
  readonly resumed: boolean;
  readonly heartbeatSeconds: number;
}

/** Is told what comes in over the stream, in order, each once it is there as a whole. */
export interface StreamHandlers {
  start(start: StreamStart, id: string | undefined): void;
  event(event: AuthpipeEvent, id: string | undefined): void;
  heartbeat(): void;
}

/** Many times the largest event: 20 metadata pairs of 540 characters. */
const MAX_MESSAGE_LENGTH = 262_144;
const DEFAULT_HEARTBEAT_SECONDS = 10;
const LONGEST_HEARTBEAT_SECONDS = 300;

/**
 * Reads a stream's text, given piece by piece.
 * @returns takes the next piece; throws where the stream can't be understood, as what it told is lost
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export const createStreamParser = (handlers: StreamHandlers): ((text: string) => void) => {
  const parser = createParser({
    maxBufferSize: MAX_MESSAGE_LENGTH,
    onComment: () => handlers.heartbeat(),
    onEvent: ({ event, id, data }) => {
      const json: unknown = JSON.parse(data);
      if (typeof json !== 'object' || json === null) throw new TypeError('An event is not an object.');
      const known = id !== undefined && isEventId(id) ? id : undefined;
      if (event === 'ready') handlers.start(readStart(json), known);
      else handlers.event(readEvent(json), known);
    },
    onError: (error) => {
      // Fields that are not known are to be ignored; everything else is a loss.
      if (error.type !== 'unknown-field' && error.type !== 'invalid-retry') throw error;
    },
  });
  return (text) => parser.feed(text);
};

/** It is sent back as a header. */
const isEventId = (id: string): boolean => /^[\x21-\x7e]{1,256}$/.test(id);

const readStart = (json: {
  readonly resumed?: unknown;
  readonly heartbeatSeconds?: unknown;
}): StreamStart => {
  const { heartbeatSeconds } = json;
  const isSane =
    typeof heartbeatSeconds === 'number' &&
    heartbeatSeconds > 0 &&
    heartbeatSeconds <= LONGEST_HEARTBEAT_SECONDS;
  return {
    resumed: json.resumed === true,
    heartbeatSeconds: isSane ? heartbeatSeconds : DEFAULT_HEARTBEAT_SECONDS,
  };
};

/** Checks what the cache acts on, and no more: a newer server may have types and fields that are not known here. */
const readEvent = (json: object): AuthpipeEvent => {
  const { type, connectionId, version } = json as { readonly [Field in keyof AuthpipeEvent]?: unknown };
  const isKnown =
    typeof type === 'string' &&
    (connectionId === null || typeof connectionId === 'string') &&
    (version === null || Number.isInteger(version));
  if (!isKnown) throw new TypeError('An event lacks its type, connection or version.');
  return json as AuthpipeEvent;
};
