import type { ConnectionReport, Credential } from '@authpipe/types';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { CredentialReader } from '../credential-reader.js';
import type { CredentialRef } from '../credential-ref.js';
import { Flights } from '../flights.js';

/** What answering refusals needs. */
export interface RefusalTools {
  readonly reader: Pick<CredentialReader, 'read' | 'load' | 'forget'>;
  /** `POST /v1/connections/{id}/report`. */
  readonly report: (connectionId: string, report: ConnectionReport) => Promise<unknown>;
  readonly clock: Clock;
}

/** For so long after a report the same refusal is not reported again: the server has just looked. */
const PAUSE_MILLIS = 5_000;
/** Refusals remembered; one that is forgotten is at worst reported once more. */
const MOST_REMEMBERED = 1_000;

/** Whether a credential is another than the one that was refused, and not an older one. */
export const isNewer = (credential: Credential, refused: Credential): boolean =>
  credential.connectionId !== refused.connectionId || credential.version > refused.version;

/** Reports credentials that a provider refused and fetches the next: once for all calls that were refused together. */
export class Refusals {
  readonly #tools: RefusalTools;
  readonly #reports = new Flights<boolean>();
  readonly #renewals = new Flights<Credential>();
  readonly #quietUntilMillis = new LRUCache<string, number>({ max: MOST_REMEMBERED });

  constructor(tools: RefusalTools) {
    this.#tools = tools;
  }

  /**
   * Tells the server, and after a 401 forgets the credential here. One that the server was not told of is kept: while it is
   * in trouble there is no other to be had. Never rejects: a failed report is no caller's trouble.
   * @returns whether the server was told, or had just been tried
   */
  report(refused: Credential, status: ConnectionReport['status']): Promise<boolean> {
    const { clock, reader, report } = this.#tools;
    const { connectionId, version } = refused;
    const key = `${status} ${version} ${connectionId}`;
    return this.#reports.join(key, async () => {
      if (clock.now() < (this.#quietUntilMillis.get(key) ?? 0)) return true;
      const isTold = await report(connectionId, { status, version }).then(
        () => true,
        () => false,
      );
      this.#quietUntilMillis.set(key, clock.now() + PAUSE_MILLIS);
      // A scope that is missing says nothing against the credential.
      if (isTold && status === 401) reader.forget(connectionId);
      return isTold;
    });
  }

  /**
   * Reports a credential that was refused with 401 and asks for the next.
   * @returns the server's word afterwards, which may be the same version: see `isNewer`
   * @throws AuthpipeError as `getCredential` does
   */
  replace(ref: CredentialRef, refused: Credential): Promise<Credential> {
    const { reader } = this.#tools;
    return this.#renewals.join(`${refused.version} ${refused.connectionId}`, async () => {
      // Another call may have replaced it while this one was under way: then nothing is wrong any more.
      const held = await reader.read(ref);
      if (isNewer(held, refused)) return held;
      const isTold = await this.report(refused, 401);
      return isTold ? reader.read(ref) : reader.load(ref, { once: true });
    });
  }
}
