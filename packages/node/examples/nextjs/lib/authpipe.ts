import { Authpipe } from '@authpipe/node';

const kept = globalThis as { authpipe?: Authpipe };

/** One client per process, also through the hot reloads of `next dev`, which load this file again and again. */
export const authpipe = (): Authpipe => {
  kept.authpipe ??= new Authpipe();
  return kept.authpipe;
};
