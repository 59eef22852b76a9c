import { createServer, type Server, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openPostgres } from '../src/db/postgres.js';
import { StartError } from '../src/errors/start-error.js';
import { createLogger } from '../src/log/logger.js';

const PASSWORD = 'correct-horse-battery';

let server: Server | undefined;
afterEach(async () => {
  await new Promise<unknown>((resolve) => (server ? server.close(resolve) : resolve(null)));
  server = undefined;
});

/** A server that does one thing to whoever connects; resolves to its port. */
const listen = async (answer: (socket: Socket) => void): Promise<number> => {
  const listening = createServer((socket) => {
    socket.on('error', () => {});
    answer(socket);
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const address = listening.address();
  return typeof address === 'object' && address ? address.port : 0;
};

/** Postgres' ErrorResponse. @see https://www.postgresql.org/docs/current/protocol-message-formats.html */
const refuseWith = (code: string) => (socket: Socket) => {
  socket.once('data', () => {
    const fields = Buffer.from(`SFATAL\0C${code}\0Mrefused\0\0`);
    const length = Buffer.alloc(4);
    length.writeInt32BE(fields.length + 4);
    socket.end(Buffer.concat([Buffer.from('E'), length, fields]));
  });
};

const refusal = async (url: string): Promise<string> => {
  const error = await openPostgres(url, createLogger('silent')).then(
    () => new Error('It opened.'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(StartError);
  // With its causes and their hidden fields, as a crash would print it.
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(PASSWORD);
  return (error as StartError).message;
};

describe('a Postgres that can not be used is told in a sentence, without its password', () => {
  const sentence = (reason: string) =>
    `The database at DATABASE_URL can't be reached (${reason}): check that it runs, and host, user and password.`;

  it('when nothing listens there', async () => {
    const port = await listen(() => {});
    await new Promise((resolve) => server?.close(resolve));
    expect(await refusal(`postgres://app:${PASSWORD}@127.0.0.1:${port}/app`)).toBe(
      sentence('nothing listens there, ECONNREFUSED'),
    );
  });

  it('when it refuses the password', async () => {
    const port = await listen(refuseWith('28P01'));
    expect(await refusal(`postgres://app:${PASSWORD}@127.0.0.1:${port}/app`)).toBe(
      sentence('it refused the user or the password, 28P01'),
    );
  });

  it('when it refuses with a code that is rare', async () => {
    const port = await listen(refuseWith('XX000'));
    expect(await refusal(`postgres://app:${PASSWORD}@127.0.0.1:${port}/app`)).toBe(sentence('XX000'));
  });

  it('when it hangs up', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.destroy()));
    expect(await refusal(`postgres://app:${PASSWORD}@127.0.0.1:${port}/app`)).toBe(sentence('no answer'));
  });

  it('when the URL is none', async () => {
    expect(await refusal(`postgres://app:${PASSWORD}@127.0.0.1:port/app`)).toBe(
      sentence('it is no URL, ERR_INVALID_URL'),
    );
  });
});

/** A Postgres that lets everybody in, answers the first statement of each connection, and no other. */
const answerOnce = (socket: Socket) => {
  const message = (type: string, ...parts: (string | number)[]): Buffer => {
    const body = Buffer.concat(
      parts.map((part) => {
        if (typeof part === 'string') return Buffer.from(part);
        const number = Buffer.alloc(4);
        number.writeInt32BE(part);
        return number;
      }),
    );
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  const ready = message('Z', 'I');
  socket.once('data', () => {
    socket.write(Buffer.concat([message('R', 0), ready]));
    socket.once('data', () => socket.write(Buffer.concat([message('C', 'SELECT 1\0'), ready])));
  });
};

it('a statement that is never answered is given up with its connection', async () => {
  const connections: Socket[] = [];
  const port = await listen((socket) => {
    connections.push(socket);
    answerOnce(socket);
  });
  const url = `postgres://app@127.0.0.1:${port}/app`;
  const db = await openPostgres(url, createLogger('silent'), { statementTimeoutMillis: 100 });
  await expect(db.query('test_hang', 'SELECT 1', [])).rejects.toThrow('timeout');
  // On a new connection, whose first statement is answered.
  await db.ping();
  await expect(db.ping()).rejects.toThrow('timeout');
  expect(connections).toHaveLength(2);
  await db.ping();
  const patient = db.query('test_wait', 'SELECT 1', [], { mayTakeLong: true }).catch(() => 'cut');
  expect(await Promise.race([patient, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))])).toBe(
    'waits',
  );
  for (const socket of connections) socket.destroy();
  expect(await patient).toBe('cut');
  await db.close();
});
