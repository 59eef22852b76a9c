import { basename } from 'node:path';

/** Names and codes are words of a program. What is longer, or has spaces, may have been made of what somebody sent. */
const WORD = /^[A-Za-z0-9_.-]{1,64}$/;
/** The end of a frame of V8's: `(file:///app/db/postgres.js:12:34)`, `at /app/main.js:1:2`. */
const FRAME = /^\s+at (?:.*[ (])?([^\s()]+):(\d+):(\d+)\)?$/;

const wordOf = (value: unknown): string | null =>
  typeof value === 'string' && WORD.test(value) ? value : null;

/** `postgres.js:12:34`: where an error was made; `null` where its stack does not tell for certain. */
const placeOf = ({ message, stack = '' }: Error): string | null => {
  // The stack begins with the message, which may have lines that look like frames. One that was changed since is not there.
  const messageAt = stack.indexOf(message);
  if (messageAt === -1) return null;
  for (const line of stack.slice(messageAt + message.length).split('\n')) {
    const [, file, row, column] = FRAME.exec(line) ?? [];
    const name = file === undefined ? null : wordOf(basename(file));
    if (name !== null) return `${name}:${row}:${column}`;
  }
  return null;
};

/**
 * What a log may tell of any error: its name, its code and where it was made, such as `Error ECONNREFUSED at
 * postgres.js:12:34`. Never its message, which may hold what a provider or a caller sent.
 */
export const errorSummary = (error: unknown): string => {
  if (!(error instanceof Error)) return 'unknown';
  const code = wordOf('code' in error ? error.code : null);
  const place = placeOf(error);
  return [wordOf(error.name) ?? 'Error', code, place === null ? null : `at ${place}`]
    .filter((part) => part !== null)
    .join(' ');
};
