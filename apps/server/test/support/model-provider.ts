import type { OAuthCodeMethod } from '@authpipe/providers';
import { addSeconds, type Clock } from '../../src/clock.js';
import type { OAuth, TokenGrant } from '../../src/oauth/oauth.js';
import { TokenRequestError } from '../../src/oauth/token-request-error.js';
import type { Steps } from './model-steps.js';
import { oktaMethod } from './okta.js';

/** The network delivers within this time, or not at all. */
export const TRAVEL_SECONDS = 1;
export const TOKEN_SECONDS = 20;

interface RefreshToken {
  readonly family: string;
  firstUsedAt: Date | null;
}

interface Request {
  readonly token: string;
  readonly sentAt: Date;
  answer: TokenGrant | TokenRequestError | null;
  isLost: boolean;
}

/** How the provider of a run behaves. */
export interface ProviderTraits {
  readonly graceSeconds: number;
  readonly introspects: boolean;
}

const invalidGrant = () =>
  new TokenRequestError({ outcome: 'reconnect', reason: null, detail: 'The grant is dead.' }, 400);
const noAnswer = () =>
  new TokenRequestError({ outcome: 'transient', reason: 'provider_down', detail: 'No answer came.' });
const overloaded = () =>
  new TokenRequestError({ outcome: 'transient', reason: 'provider_down', detail: 'Not now.' }, 503);

/**
 * A provider with rotation, a grace and reuse detection: an old refresh token brings another successor until the grace
 * that began with its first use is over; after that its use counts as theft and ends the family.
 */
export const createModelProvider = ({ graceSeconds, introspects }: ProviderTraits, clock: Clock) => {
  const tokens = new Map<string, RefreshToken>();
  const ended = new Set<string>();
  const reused = new Set<string>();
  const onTheWay: Request[] = [];
  let count = 0;
  let families = 0;
  let isOverloaded = false;

  const issue = (family: string): TokenGrant => {
    count += 1;
    const refreshToken = `${family}.r${count}`;
    tokens.set(refreshToken, { family, firstUsedAt: null });
    return {
      accessToken: `${family}.a${count}`,
      refreshToken,
      tokenType: 'Bearer',
      expiresInSeconds: TOKEN_SECONDS,
      refreshExpiresInSeconds: null,
      scopes: null,
      account: null,
    };
  };

  /** Seconds for which a refresh token still brings a successor: endless for an unused one, below 0 when it does not. */
  const secondsLeft = (name: string): number => {
    const token = tokens.get(name);
    if (!token || ended.has(token.family)) return -1;
    if (token.firstUsedAt === null) return Number.POSITIVE_INFINITY;
    return (addSeconds(token.firstUsedAt, graceSeconds).getTime() - clock.now().getTime()) / 1000;
  };
  const accepts = (name: string): boolean => secondsLeft(name) > 0;

  const answer = (name: string): TokenGrant | TokenRequestError => {
    if (isOverloaded) return overloaded();
    const token = tokens.get(name);
    if (!token || ended.has(token.family)) return invalidGrant();
    if (!accepts(name)) {
      ended.add(token.family);
      reused.add(token.family);
      return invalidGrant();
    }
    token.firstUsedAt ??= clock.now();
    return issue(token.family);
  };

  const deliver = (request: Request): void => {
    if (request.answer === null && !request.isLost) request.answer = answer(request.token);
  };

  const method: OAuthCodeMethod = {
    ...oktaMethod,
    refreshToken: { rotation: 'rotating', graceSeconds },
  };

  return {
    method,
    accepts,
    secondsLeft,
    /** Whether a family ended because a used refresh token came again. */
    wasReused: (family: string): boolean => reused.has(family),
    /** Whether a family has ended, for whatever cause. */
    hasEnded: (family: string): boolean => ended.has(family),
    /** Somebody ends a grant at the provider. */
    revoke: (family: string): void => void ended.add(family),
    /** A person consents. */
    consent: (): TokenGrant => {
      families += 1;
      return issue(`f${families}`);
    },
    /** Whether it answers 503 to all. */
    overload(on: boolean): void {
      isOverloaded = on;
    },
    /** What is on its way arrives before `seconds` have gone by, if it could. */
    deliverWithin(seconds: number): void {
      const then = clock.now().getTime() + seconds * 1000;
      for (const request of onTheWay) {
        if (addSeconds(request.sentAt, TRAVEL_SECONDS).getTime() < then) deliver(request);
      }
    },
    /** The provider as one process talks to it. */
    connect: (steps: Steps): Pick<OAuth, 'renew' | 'introspect' | 'revoke'> => ({
      async renew(_target, renewal, options) {
        const token = renewal.grant === 'refresh_token' ? renewal.refreshToken : '';
        // Names are resolved, metadata is fetched.
        await steps.take('prepare', () => undefined, noAnswer);
        const depart = await options?.leave?.();
        const request = await steps.take(
          'send',
          () => {
            depart?.();
            const sent: Request = { token, sentAt: clock.now(), answer: null, isLost: false };
            onTheWay.push(sent);
            return sent;
          },
          noAnswer,
        );
        return steps.take(
          'answer',
          () => {
            deliver(request);
            if (request.answer === null || request.answer instanceof Error)
              throw request.answer ?? noAnswer();
            return request.answer;
          },
          () => {
            request.isLost = true;
            return noAnswer();
          },
        );
      },
      async introspect(_target, token) {
        return steps.take(
          'introspect',
          () => {
            if (introspects && isOverloaded) throw overloaded();
            return introspects ? { active: accepts(token), expiresAt: null, scopes: null } : null;
          },
          noAnswer,
        );
      },
      revoke: () => Promise.reject(new Error('nothing is to be revoked here')),
    }),
  };
};

export type ModelProvider = ReturnType<typeof createModelProvider>;
