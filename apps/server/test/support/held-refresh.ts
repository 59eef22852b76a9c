import type { OAuth, TokenGrant } from '../../src/oauth/oauth.js';

/** Where a process stands still: with the leave to send and nothing sent, or with the answer and nothing written. */
export type Standstill = 'before_sending' | 'after_answer';

/** Requests of one process for new tokens, which stand still where a test says. */
export interface HeldRefresh {
  /** For `startNode`. */
  readonly withOAuth: (oauth: OAuth) => OAuth;
  /** Resolves when a request stands still. */
  readonly stands: Promise<void>;
  /** What the provider had answered by then. */
  readonly answers: readonly TokenGrant[];
  /** Lets go on what stands still; a process that never does has died there. */
  release(): void;
}

/** Makes every refresh of a process stand still. */
export const holdRefresh = (where: Standstill): HeldRefresh => {
  const answers: TokenGrant[] = [];
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let tellStanding = (): void => undefined;
  const stands = new Promise<void>((resolve) => {
    tellStanding = resolve;
  });
  const standStill = (): Promise<void> => {
    tellStanding();
    return released;
  };
  return {
    withOAuth: (oauth) => ({
      ...oauth,
      renew: async (target, renewal, options) => {
        const heldLeave = async () => {
          const depart = (await options?.leave?.()) ?? (() => undefined);
          if (where === 'before_sending') await standStill();
          return depart;
        };
        const answer = await oauth.renew(target, renewal, { ...options, leave: heldLeave });
        answers.push(answer);
        if (where === 'after_answer') await standStill();
        return answer;
      },
    }),
    stands,
    answers,
    release: () => release(),
  };
};
