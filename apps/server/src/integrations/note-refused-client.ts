import type { StatusReason } from '@authpipe/types';
import { addSeconds, type Clock } from '../clock.js';
import type { Integrations } from './integration-store.js';

/** When a refresh tries the client again. */
const RETRY_SECONDS = 300;

/** Notes that a probe found an integration's client refused. A refresh that gets through finds it mended. */
export const createNoteRefusedClient =
  ({
    integrations,
    clock,
  }: {
    readonly integrations: Pick<Integrations, 'findByRowId' | 'markIntegration'>;
    readonly clock: Clock;
  }) =>
  async (
    { integrationRowId }: { readonly integrationRowId: string | null },
    reason: StatusReason,
  ): Promise<void> => {
    const integration = integrationRowId === null ? null : await integrations.findByRowId(integrationRowId);
    if (!integration) return;
    const now = clock.now();
    const mark = { status: 'degraded', reason, retryAt: addSeconds(now, RETRY_SECONDS) } as const;
    await integrations.markIntegration(integration, mark, now);
  };
