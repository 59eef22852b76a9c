import { asActor, currentActor } from '../actor.js';
import type { ConnectSession } from './connect-session.js';

/** Runs what the person of a session does in their browser: the audit names them. */
export const asPerson = <Result>(
  { id: sessionId, tenantId, owner, userId }: ConnectSession,
  run: () => Result,
): Result => {
  const { where } = currentActor();
  return asActor({ who: { type: 'person', sessionId, tenantId, owner, userId }, where }, run);
};
