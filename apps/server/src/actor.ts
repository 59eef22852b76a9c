import { AsyncLocalStorage } from 'node:async_hooks';
import type { AuditWhere, AuditWho } from '@authpipe/types';

/** Who causes what is being done, and from where: for the audit. */
export interface Actor {
  readonly who: AuditWho;
  /** `null` where it is the server itself, or somebody at its command line. */
  readonly where: AuditWhere | null;
}

const actors = new AsyncLocalStorage<Actor>();

const SERVER: Actor = { who: { type: 'server' }, where: null };

/** Who causes what is done at this moment: the server by itself, unless `asActor` says otherwise. */
export const currentActor = (): Actor => actors.getStore() ?? SERVER;

/** Runs what somebody caused: what it writes into the audit, also after a wait, bears their name. */
export const asActor = <Result>(actor: Actor, run: () => Result): Result => actors.run(actor, run);

/** Runs work that was due by itself. */
export const asTask = <Result>(task: string, run: () => Result): Result =>
  asActor({ who: { type: 'server', task }, where: null }, run);
