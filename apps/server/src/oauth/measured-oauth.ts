import type { ObserveProviderRequest, ProviderOperation } from '../metrics/provider-request.js';
import type { OAuth, TokenTarget } from './oauth.js';
import { TokenRequestError } from './token-request-error.js';

/** Why a request failed, in a word of the catalogue; what kept it from being sent is no answer of the provider. */
const failureOf = (error: unknown): string =>
  error instanceof TokenRequestError ? (error.verdict.reason ?? error.verdict.outcome) : 'not_sent';

/**
 * The same room, each request to a provider timed and counted. Probes are told by whoever makes them, since those of keys
 * don't pass here; an address to send a person to is mostly no request.
 */
export const measureOAuth = (
  oauth: OAuth,
  {
    monotonicMillis,
    observe,
  }: { readonly monotonicMillis: () => number; readonly observe: ObserveProviderRequest },
): OAuth => {
  const timed = async <Result>(
    { definition: { id: provider } }: TokenTarget,
    operation: ProviderOperation,
    run: () => Promise<Result>,
  ): Promise<Result> => {
    const startedAtMillis = monotonicMillis();
    const tell = (result: string): void =>
      observe({ provider, operation, result, seconds: (monotonicMillis() - startedAtMillis) / 1000 });
    try {
      const answer = await run();
      tell('ok');
      return answer;
    } catch (error) {
      tell(failureOf(error));
      throw error;
    }
  };
  return {
    ...oauth,
    exchangeCode: (target, input) => timed(target, 'code_exchange', () => oauth.exchangeCode(target, input)),
    renew: (target, renewal, options) =>
      timed(target, renewal.grant === 'refresh_token' ? 'refresh' : 'client_credentials', () =>
        oauth.renew(target, renewal, options),
      ),
    preflight: (target, input) => timed(target, 'preflight', () => oauth.preflight(target, input)),
    revoke: (target, token, hint) => timed(target, 'revocation', () => oauth.revoke(target, token, hint)),
    introspect: (target, token, hint) =>
      timed(target, 'introspection', () => oauth.introspect(target, token, hint)),
  };
};
