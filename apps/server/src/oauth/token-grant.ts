import type { ConnectionAccount } from '@authpipe/types';
import type { Clock } from '../clock.js';
import type { Logger } from '../log/logger.js';
import type { OAuth, TokenGrant, TokenTarget } from './oauth.js';
import type { TokenAnswer } from './token-answer.js';

/** Makes a grant of a token answer. Never fails: whatever is not known stays unknown. */
export type ToTokenGrant = (
  target: TokenTarget,
  answer: TokenAnswer,
  account: ConnectionAccount | null,
) => Promise<TokenGrant>;

/**
 * Completes token answers. Where one does not say when its access token ends, the provider is asked by introspection,
 * then the definition; null is left where nobody knows. What is odd about an answer goes to the log, once.
 */
export const createToTokenGrant = ({
  introspect,
  clock,
  log,
}: {
  /** With little patience: the tokens of the answer are in nobody's safe yet. */
  readonly introspect: OAuth['introspect'];
  readonly clock: Clock;
  readonly log: Logger;
}): ToTokenGrant => {
  /** Counted from before the question, like `expires_in` from before the token request. */
  const askForLifetime = async (target: TokenTarget, accessToken: string): Promise<number | null> => {
    const askedAt = clock.now();
    const told = await introspect(target, accessToken, 'access_token').catch(() => null);
    if (!told?.active || told.expiresAt === null) return null;
    const seconds = Math.floor((told.expiresAt.getTime() - askedAt.getTime()) / 1000);
    return seconds > 0 ? seconds : null;
  };

  return async (target, answer, account) => {
    const { idToken: _checked, oddities, ...grant } = answer;
    for (const oddity of oddities) {
      log.warn(
        { provider: target.definition.id, oddity },
        'a token answer tells an end that is not plausible',
      );
    }
    return {
      ...grant,
      account,
      expiresInSeconds:
        answer.expiresInSeconds ??
        (await askForLifetime(target, answer.accessToken)) ??
        target.method.accessTokenLifetimeSeconds,
    };
  };
};
