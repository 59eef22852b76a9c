import { tokenIntrospection } from 'openid-client';
import { addSeconds, type Clock } from '../clock.js';
import type { OpenLibraryClient } from './library-client.js';
import type { OAuth } from './oauth.js';
import { secondsUntil } from './provider-time.js';
import { LONGEST_LIFETIME_SECONDS } from './token-lifetime.js';
import { providerTrouble, toTokenRequestError } from './token-request-error.js';

/**
 * Asks what the provider knows of a token. `exp` is in the provider's clock and is brought into ours, counted from just
 * before the question, so that a token never seems to last longer than it does. An end beyond ten years is a mistake
 * (milliseconds, say) and counts as not told.
 * @see RFC 7662 section 2.2
 */
export const createIntrospect =
  ({
    openLibraryClient,
    clock,
  }: {
    readonly openLibraryClient: OpenLibraryClient;
    readonly clock: Clock;
  }): OAuth['introspect'] =>
  async (target, token, hint) => {
    try {
      const { configuration, server, answerHeaders } = await openLibraryClient(target, {
        endpoint: 'introspection_endpoint',
      });
      if (server.metadata.introspection_endpoint === undefined) return null;
      const askedAt = clock.now();
      const { active, exp, scope } = await tokenIntrospection(configuration, token, {
        token_type_hint: hint,
      });
      const seconds =
        typeof exp === 'number' && exp > 0
          ? secondsUntil(new Date(exp * 1000), answerHeaders(), { now: () => askedAt })
          : Number.NaN;
      return {
        active,
        expiresAt: seconds <= LONGEST_LIFETIME_SECONDS ? addSeconds(askedAt, seconds) : null,
        scopes: scope ? scope.split(/\s+/).filter(Boolean) : null,
        headers: answerHeaders(),
      };
    } catch (error) {
      throw toTokenRequestError(error, () =>
        providerTrouble('The provider sent an answer that can not be read.'),
      );
    }
  };
