import type { Clock } from '../clock.js';
import type { Sleep } from '../sleep.js';
import type { DeploymentStore } from './deployment-store.js';
import { createPulse } from './pulse.js';

const LOOK_MILLIS = 500;
/** Eight seconds: an owner raises the high water every 2 s, and two rises are wanted. */
const LOOKS = 16;

/** Whether a server that owns the database is at work on it: true as soon as that is proven, false after eight seconds. */
export const waitForOwner = async ({
  store,
  clock,
  sleep,
}: {
  readonly store: Pick<DeploymentStore, 'findIdentity'>;
  readonly clock: Clock;
  readonly sleep: Sleep;
}): Promise<boolean> => {
  const hasPulse = createPulse();
  for (let look = 0; look < LOOKS; look += 1) {
    const identity = await store.findIdentity();
    if (identity && hasPulse(identity, clock.now())) return true;
    await sleep(LOOK_MILLIS);
  }
  return false;
};
