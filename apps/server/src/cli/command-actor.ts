import { userInfo } from 'node:os';
import type { Actor } from '../actor.js';

const account = (): string | null => {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a number that has no name.
    return null;
  }
};

/** Who runs a command, as far as the operating system knows. */
export const commandActor = (command: string): Actor => ({
  who: { type: 'command', command, account: account() },
  where: null,
});
