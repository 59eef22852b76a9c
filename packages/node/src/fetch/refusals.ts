import type { ConnectionReport, Credential } from '@authpipe/types';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { CredentialReader } from '../credential-reader.js';
import type { CredentialRef } from '../credential-ref.js';
import { Flights } from '../flights.js';

/** What answering refusals needs. */
export interface RefusalTools {
  readonly reader: Pick<CredentialReader, 'read' | 'forget'>;
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
  readonly #reports = new Flights<void>();
  readonly #renewals = new Flights<Credential>();
  readonly #quietUntilMillis = new LRUCache<string, number>({ max: MOST_REMEMBERED });

  constructor(tools: RefusalTools) {
    this.#tools = tools;
  }

  /** Tells the server, and forgets the credential here. Never rejects: a failed report is no caller's trouble. */
  report(refused: Credential, status: ConnectionReport['status']): Promise<void> {
    const { clock, reader, report } = this.#tools;
    const { connectionId, version } = refused;
    const key = `${status} ${version} ${connectionId}`;
    return this.#reports.join(key, async () => {
      if (clock.now() < (this.#quietUntilMillis.get(key) ?? 0)) return;
      await report(connectionId, { status, version }).catch(() => undefined);
      this.#quietUntilMillis.set(key, clock.now() + PAUSE_MILLIS);
      reader.forget(connectionId);
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
      await this.report(refused, 401);
      return reader.read(ref);
    });
  }
}
