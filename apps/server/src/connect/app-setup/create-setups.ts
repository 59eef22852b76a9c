import { addSeconds } from '../../clock.js';
import type { Database } from '../../db/database.js';
import type { PublicJwk } from '../../jwk.js';
import type { Vault } from '../../vault/vault.js';
import { createAppSetupStore } from './app-setup-store.js';
import { type CheckSetupDependencies, createCheckSetup } from './check-setup.js';
import { createOpenSetup, type OpenSetupDependencies } from './open-setup.js';

/** How long the page that says that it is done can be opened again. */
const KEPT_SECONDS = 86_400;

export interface SetupDependencies
  extends Omit<OpenSetupDependencies, 'setups'>,
    Omit<CheckSetupDependencies, 'setups'> {
  readonly db: Pick<Database, 'prisma' | 'query'>;
  readonly vault: Vault;
}

/** The tenant's own OAuth app: links, the led set-up, the trial, and the address of its keys. */
export const createSetups = ({ db, vault, ...shared }: SetupDependencies) => {
  const setups = createAppSetupStore({ db, vault });
  return {
    ...createOpenSetup({ ...shared, setups }),
    ...createCheckSetup({ ...shared, setups }),

    /** Where the provider fetches the public keys of an integration. */
    keySetUrl: (rowId: string): string => `${shared.publicUrl}/connect/keys/${rowId}`,

    /** The keys that an integration signs with, and those that a set-up under way is about to; null where there are none. */
    async keySetOf(rowId: string): Promise<{ readonly keys: readonly PublicJwk[] } | null> {
      const [saved, coming] = await Promise.all([
        shared.integrations.findByRowId(rowId),
        setups.keysOf(rowId, shared.clock.now()),
      ]);
      const keys = [...(saved?.clientJwk ? [saved.clientJwk] : []), ...coming];
      return keys.length === 0 ? null : { keys };
    },

    /** @param now by the caller's clock */
    sweepSetups: (now: Date): Promise<void> => setups.deleteExpired(addSeconds(now, -KEPT_SECONDS)),
  };
};

export type Setups = ReturnType<typeof createSetups>;
