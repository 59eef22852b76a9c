import type { Connection, Credential } from '@authpipe/types';
import { abortable } from './abortable.js';
import type { CacheEntry } from './cache-entry.js';
import type { Clock } from './clock.js';
import { CredentialCache } from './credential-cache.js';
import { checkRef, type LooseRef, refQuery } from './credential-ref.js';
import { isOutdatedBy, verdictOf } from './credential-verdict.js';
import { AuthpipeError, invalidRequest } from './errors.js';
import { Flights } from './flights.js';
import type { HttpTransport } from './http-transport.js';
import { pathOfRef } from './owner-index.js';
import { readCredential } from './read-credential.js';

/** How one read may be done. */
export interface ReadOptions {
  /** Ends this caller's wait; others who wait for the same credential are not disturbed. */
  readonly signal?: AbortSignal | undefined;
  /** For how many seconds from now the credential has to be valid. Default: 0. */
  readonly minValiditySeconds?: number | undefined;
}

/** What the reader needs. */
export interface ReaderSettings {
  readonly transport: HttpTransport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxEntries: number;
  readonly maxAgeSeconds: number;
  /** Asks the provider for a new credential now. */
  readonly refreshNow: (connectionId: string) => Promise<unknown>;
}

/** After a look that brought nothing newer: often enough to notice, rare enough to bear for a server in trouble. */
const PAUSE_MILLIS = 5_000;
/** However long a server in trouble asks for: half a minute after its end the client has noticed. */
const LONGEST_PAUSE_MILLIS = 30_000;

/** Decides for each read whether the cache answers, and asks the server: once for all who want the same. */
export class CredentialReader {
  readonly #settings: ReaderSettings;
  readonly #now: () => number;
  readonly #cache: CredentialCache;
  readonly #flights = new Flights<Credential>();
  readonly #renewals = new Flights<Credential>();
  /** The server did not answer some request: until then nobody with an unexpired credential waits for it. */
  #troubleUntilMillis = 0;

  constructor(settings: ReaderSettings) {
    this.#settings = settings;
    this.#now = settings.clock.now;
    this.#cache = new CredentialCache(settings.maxEntries);
  }

  /** How many connections' credentials are held. */
  get size(): number {
    return this.#cache.size;
  }

  /** The credential of a ref. Warm: no I/O, no timer, and the promise handed out is the one made when it came. */
  read(ref: LooseRef, options?: ReadOptions): Promise<Credential> {
    if (options === undefined && ref !== null && ref !== undefined) {
      const entry = this.#cache.find(ref);
      if (entry?.isQuiet(this.#now())) return entry.promise;
    }
    return this.#readWithCare(ref, options ?? {});
  }

  /** Forgets a connection's credential, also where a request for it is under way. */
  forget(connectionId: string): void {
    this.#cache.drop(connectionId);
    this.#flights.forget(connectionId);
  }

  /** Forgets everything. */
  forgetAll(): void {
    this.#cache.clear();
    this.#flights.forgetAll();
  }

  /** Takes note of a connection's state that came by another call. */
  observe(connection: Connection): void {
    const held = this.#cache.get(connection.id);
    if (held !== undefined && isOutdatedBy(connection, held.credential.version)) this.forget(connection.id);
  }

  async #readWithCare(ref: LooseRef, { signal, minValiditySeconds = 0 }: ReadOptions): Promise<Credential> {
    checkRef(ref);
    if (!(minValiditySeconds >= 0 && minValiditySeconds <= 86_400)) {
      throw invalidRequest('minValiditySeconds must be from 0 to 86,400.', '/minValiditySeconds');
    }
    signal?.throwIfAborted();
    const neededMillis = minValiditySeconds * 1_000;
    const entry = this.#cache.find(ref);
    if (entry !== undefined && this.#lasts(entry, neededMillis)) {
      return this.#serve(ref, entry, neededMillis, signal);
    }
    // Expired ones are dropped, not only passed over: a secret that can't be served has no business in memory.
    if (entry !== undefined && !this.#lasts(entry, 0)) this.#cache.drop(entry.connectionId);
    const credential = await abortable(this.#ask(ref), signal);
    if (this.#lastsLongEnough(credential, neededMillis)) return credential;
    const renewed = await abortable(this.#renew(ref, credential.connectionId), signal);
    if (this.#lastsLongEnough(renewed, neededMillis)) return renewed;
    throw invalidRequest(
      'This provider gives no credential that is valid for minValiditySeconds: ask for less.',
      '/minValiditySeconds',
    );
  }

  /** Answers from an entry that is valid for long enough; how old the server's word is decides who waits. */
  async #serve(
    ref: LooseRef,
    entry: CacheEntry,
    neededMillis: number,
    signal: AbortSignal | undefined,
  ): Promise<Credential> {
    const now = this.#now();
    if (entry.isQuiet(now)) return entry.credential;
    const { credential } = entry;
    if (now < entry.staleAtMillis || entry.unanswered || now < this.#troubleUntilMillis) {
      this.#ask(ref, entry).catch(() => undefined);
      return credential;
    }
    try {
      return await abortable(this.#ask(ref, entry), signal);
    } catch (error) {
      // No verdict, and the entry was not dropped meanwhile: the server is in trouble, the credential is not.
      const servable = verdictOf(error) === 'unknown' && this.#cache.holds(entry);
      if (error instanceof AuthpipeError && servable && this.#lasts(entry, neededMillis))
        return entry.credential;
      throw error;
    }
  }

  /** Asks the server, once for all who ask for the same ref. With an entry to fall back on it is tried only once. */
  #ask(ref: LooseRef, fallback?: CacheEntry): Promise<Credential> {
    const path = pathOfRef(ref);
    const flightKey = JSON.stringify(path ?? [ref.connectionId]);
    return this.#flights.join(flightKey, async (mayKeep) => {
      const askedAtMillis = this.#now();
      try {
        const json = await this.#settings.transport.send({
          method: 'GET',
          path: '/credentials',
          query: refQuery(ref),
          ...(fallback === undefined ? {} : { attempts: 1, background: true }),
        });
        this.#troubleUntilMillis = 0;
        const answer = readCredential(json);
        const now = this.#now();
        if (now >= answer.expiresAtMillis)
          throw alreadyExpired(answer.credential, now - answer.expiresAtMillis);
        if (!mayKeep(answer.credential.connectionId)) return answer.credential;
        const kept = this.#cache.keep(
          path,
          answer,
          this.#freshness(askedAtMillis, answer.refreshAfterMillis),
        );
        return now < kept.expiresAtMillis ? kept.credential : answer.credential;
      } catch (error) {
        this.#judge(error, this.#cache.find(ref));
        throw error;
      }
    });
  }

  /** Acts on what a failed question says about the credential held. */
  #judge(error: unknown, held: CacheEntry | undefined): void {
    const verdict = verdictOf(error);
    const isUnreachable = error instanceof AuthpipeError && error.code === 'server_unreachable';
    if (isUnreachable) this.#troubleUntilMillis = this.#now() + PAUSE_MILLIS;
    if (verdict === 'key_refused') this.forgetAll();
    else if (held === undefined) return;
    else if (verdict === 'dead') this.forget(held.connectionId);
    else {
      const asked = error instanceof AuthpipeError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
      const pauseMillis = Math.min(Math.max(asked, PAUSE_MILLIS), LONGEST_PAUSE_MILLIS);
      held.unanswered = true;
      held.rest(this.#now() + pauseMillis);
    }
  }

  /**
   * How long an answer is taken as it is. Before it is too old to serve unasked it is asked for again in the
   * background, at a moment left to chance, so that a hot credential never makes its readers wait and many that were
   * read together are not asked for together.
   */
  #freshness(askedAtMillis: number, refreshAfterMillis: number) {
    const maxAgeMillis = this.#settings.maxAgeSeconds * 1_000;
    const lookAgainAtMillis = askedAtMillis + maxAgeMillis * (0.5 + 0.4 * this.#settings.random());
    // The server may not have a newer one yet when refreshAfter comes: then it is asked every few seconds, not by each read.
    const refreshAtMillis = Math.max(refreshAfterMillis, this.#now() + PAUSE_MILLIS);
    return {
      askedAtMillis,
      quietUntilMillis: Math.min(lookAgainAtMillis, refreshAtMillis),
      staleAtMillis: askedAtMillis + maxAgeMillis,
    };
  }

  /** Has the provider give a new credential, once for all who want one of this connection. */
  #renew(ref: LooseRef, connectionId: string): Promise<Credential> {
    return this.#renewals.join(connectionId, async () => {
      await this.#settings.refreshNow(connectionId);
      this.forget(connectionId);
      return this.#ask(ref);
    });
  }

  #lasts(entry: CacheEntry, neededMillis: number): boolean {
    const now = this.#now();
    return now < entry.expiresAtMillis && now + neededMillis <= entry.expiresAtMillis;
  }

  #lastsLongEnough(credential: Credential, neededMillis: number): boolean {
    return credential.expiresAt === null || this.#now() + neededMillis <= Date.parse(credential.expiresAt);
  }
}

const alreadyExpired = (credential: Credential, agoMillis: number): AuthpipeError =>
  new AuthpipeError(
    'internal_error',
    `Authpipe answered with a credential that expired ${Math.ceil(agoMillis / 1_000)} s ago: compare this machine's clock with the server's.`,
    { connectionId: credential.connectionId },
  );
