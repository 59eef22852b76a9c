import type { MonotonicMillis } from '../db/database-clock.js';
import type { ObserveProviderRequest } from '../metrics/provider-request.js';
import type { ProbeCredential } from './probe-credential.js';

/** The same, each look timed and counted: `ok`, the reason of what is wrong, or `inconclusive`. */
export const measureProbe =
  (
    probe: ProbeCredential,
    {
      monotonicMillis,
      observe,
    }: { readonly monotonicMillis: MonotonicMillis; readonly observe: ObserveProviderRequest },
  ): ProbeCredential =>
  async (stored) => {
    const startedAtMillis = monotonicMillis();
    const look = await probe(stored);
    const { provider } = stored.connection;
    // Put off within the provider's limit, or nothing to ask: no provider was waited for.
    const result = look.by === null ? 'not_sent' : (look.reason ?? look.result);
    observe({ provider, operation: 'probe', result, seconds: (monotonicMillis() - startedAtMillis) / 1000 });
    return look;
  };
