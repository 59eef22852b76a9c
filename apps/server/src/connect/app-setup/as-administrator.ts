import { asActor, currentActor } from '../../actor.js';
import type { AppSetup } from './app-setup.js';

/** Runs what somebody does in a browser that a set-up's link was opened in: the audit names the set-up. */
export const asAdministrator = <Result>(
  { id: setupId, tenantId }: Pick<AppSetup, 'id' | 'tenantId'>,
  run: () => Result,
): Result => {
  const { where } = currentActor();
  return asActor({ who: { type: 'administrator', setupId, tenantId }, where }, run);
};
