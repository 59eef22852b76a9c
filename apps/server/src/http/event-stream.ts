import type { ServerResponse } from 'node:http';

/** One answer of server-sent events. @see HTML Living Standard, section "Server-sent events" */
export interface EventStream {
  /** Sends an event; `data` becomes JSON, which has no line breaks. */
  send(event: { readonly id: string; readonly type: string; readonly data: unknown }): void;
  /** Sends a comment, which only shows that the stream lives. */
  comment(text: string): void;
  /** Resolves when what was sent has left this process, or the stream has ended. */
  drained(): Promise<void>;
  /** Ends it in order. Twice is no error. */
  end(): void;
}

/** A reader that is this far behind is cut off; it comes back and says where it was. Bytes. */
const MAX_BUFFERED_BYTES = 8 * 1_048_576;

/** Begins the answer: status and headers go out at once. `onEnd` is called once, whoever ends it. */
export const openEventStream = (response: ServerResponse, onEnd: () => void): EventStream => {
  let isOpen = true;
  response.once('close', () => {
    isOpen = false;
    onEnd();
  });
  response.socket?.setNoDelay(true);
  response.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    // no-transform: a proxy that compresses would hold events back.
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  response.flushHeaders();

  const write = (text: string): void => {
    if (!isOpen || response.writableEnded) return;
    response.write(text);
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
  };

  return {
    send: ({ id, type, data }) => write(`id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`),
    comment: (text) => write(`: ${text}\n\n`),
    drained: () =>
      new Promise((resolve) => {
        if (!isOpen || !response.writableNeedDrain) return resolve();
        const done = (): void => {
          response.off('drain', done).off('close', done);
          resolve();
        };
        response.on('drain', done).on('close', done);
      }),
    end: () => {
      if (!response.writableEnded) response.end();
    },
  };
};
