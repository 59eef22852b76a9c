import type { AuthpipeEvent, Connection, Credential } from '@authpipe/types';
import { abortable } from './abortable.js';
import type { CacheEntry } from './cache-entry.js';
import { checkedOptions } from './call-arguments.js';
import { callSite, errorOfCaller } from './caller-stack.js';
import type { Clock } from './clock.js';
import { CredentialCache } from './credential-cache.js';
import { checkRef, type LooseRef } from './credential-ref.js';
import { CredentialSource } from './credential-source.js';
import { isOutdatedBy, verdictOf } from './credential-verdict.js';
import { AuthpipeError, invalidField } from './errors.js';
import { Flights, flightKey } from './flights.js';
import type { HttpTransport } from './http-transport.js';
import type { CacheObserver } from './observe/cache-observer.js';
import type { EvictReason } from './observe/hooks.js';
import { pathOfRef, type RefPath } from './owner-index.js';
import { heedEvent } from './stream/heed-event.js';
import { PAUSE_MILLIS, type StreamWord, Trust } from './trust.js';
import type { UsageSums } from './usage-sums.js';
import { ValidityLimits } from './validity-limits.js';

/** How one read may be done. */
export interface ReadOptions {
  /** Ends this caller's wait; others who wait for the same credential are not disturbed. */
  readonly signal?: AbortSignal | undefined;
  /** For how many seconds from now the credential has to be valid, up to 86,400. Default: 0. */
  readonly minValidity?: number | undefined;
}

const READ_KEYS = ['signal', 'minValidity'] as const satisfies readonly (keyof ReadOptions)[];

/** What the reader needs. */
export interface ReaderSettings {
  readonly transport: HttpTransport;
  readonly clock: Clock;
  readonly random: () => number;
  readonly maxEntries: number;
  readonly maxAgeSeconds: number;
  /** The event stream's word on what is held; left out where there is no stream. */
  readonly word?: StreamWord | undefined;
  readonly observer: CacheObserver;
  /** Whether warm reads are observed too. */
  readonly observesHits: boolean;
  /** Counts what is served from memory; left out where nobody is told. */
  readonly uses?: UsageSums | undefined;
  /** Has the provider give a credential that is valid for so many seconds. */
  readonly refreshFor: (connectionId: string, minValiditySeconds: number) => Promise<unknown>;
  /** Is told of each answer, before anyone gets it. */
  readonly onAnswer: () => void;
}

/** However long a server in trouble asks for: half a minute after its end the client has noticed. */
const LONGEST_PAUSE_MILLIS = 30_000;

/** Decides for each read whether the cache answers, and asks the server: once for all who want the same. */
export class CredentialReader {
  readonly #settings: ReaderSettings;
  readonly #now: () => number;
  readonly #cache: CredentialCache;
  readonly #trust: Trust;
  readonly #source: CredentialSource;
  readonly #observer: CacheObserver;
  /** `undefined` where nobody asks for warm reads, so that they cost nothing more than this look. */
  #hitObserver: CacheObserver | undefined;
  readonly #uses: UsageSums | undefined;
  readonly #flights = new Flights<Credential>();
  readonly #renewals = new Flights<Credential>();
  readonly #limits = new ValidityLimits();

  constructor(settings: ReaderSettings) {
    const { clock, observer, transport } = settings;
    this.#settings = settings;
    this.#now = clock.now;
    this.#observer = observer;
    this.#hitObserver = settings.observesHits ? observer : undefined;
    this.#uses = settings.uses;
    this.#cache = new CredentialCache(settings.maxEntries, (entry, reason) => {
      this.#uses?.settle(entry);
      observer.evict(entry, reason);
    });
    this.#trust = new Trust({ ...settings, now: clock.now });
    this.#source = new CredentialSource(transport, settings);
  }

  /** How many connections' credentials are held. */
  get size(): number {
    return this.#cache.size;
  }

  /** From now on warm reads are observed too. */
  observeHits(): void {
    this.#hitObserver = this.#observer;
  }

  /** The credential of a ref. Warm: no I/O, no timer, and the promise handed out is the one made when it came. */
  read(ref: LooseRef, options?: ReadOptions): Promise<Credential> {
    if (options === undefined && ref !== null && ref !== undefined) {
      const entry = this.#cache.find(ref);
      if (entry !== undefined && this.#isGood(entry)) {
        if (this.#uses !== undefined) this.#uses.add(entry);
        if (this.#hitObserver !== undefined) this.#hitObserver.hit(ref, entry);
        return entry.promise;
      }
    }
    return this.#readWithCare(ref, options);
  }

  /**
   * The credential of a ref as far as it can be had without waiting.
   * @throws AuthpipeError `invalid_request` for a ref that is not valid
   */
  peek(ref: LooseRef): Credential | undefined {
    const entry = ref === null || ref === undefined ? undefined : this.#cache.find(ref);
    if (entry === undefined) {
      checkRef(ref);
    } else if (this.#isGood(entry)) {
      if (this.#uses !== undefined) this.#uses.add(entry);
      if (this.#hitObserver !== undefined) this.#hitObserver.hit(ref, entry);
      return entry.credential;
    } else if (!this.#lasts(entry, 0)) {
      this.#cache.drop(entry.connectionId, 'expired');
    } else if (this.#mayBeServed(entry)) {
      return this.#serveStale(ref, entry);
    }
    this.#observer.miss(ref);
    return undefined;
  }

  /** Asks the server for the credential of a ref, whatever is held, and keeps the answer. `once`: without retries. */
  load(ref: LooseRef, { once = false } = {}): Promise<Credential> {
    return this.#ask(ref, once);
  }

  /** Lets another ref find a connection whose credential is held. */
  point(path: RefPath, connectionId: string): void {
    this.#cache.point(path, connectionId);
  }

  /** Forgets a connection's credential, also where a request for it is under way. */
  forget(connectionId: string, reason: EvictReason = 'call'): void {
    this.#cache.drop(connectionId, reason);
    this.#flights.forget(connectionId);
  }

  /** Forgets everything. */
  forgetAll(reason: EvictReason = 'call'): void {
    this.#cache.clear(reason);
    this.#flights.forgetAll();
  }

  /** Takes note of a connection's state that came by another call. */
  observe(connection: Connection): void {
    const held = this.#cache.get(connection.id);
    if (held !== undefined && isOutdatedBy(connection, held.credential.version)) this.forget(connection.id);
  }

  /** From now on events may tell of lower versions than those held: the server may have been set back. */
  expectLowerVersions(): void {
    this.#cache.expectLowerVersions();
  }

  /** Acts on an event of the stream. */
  heed(event: AuthpipeEvent): void {
    heedEvent(event, {
      cache: this.#cache,
      flights: this.#flights,
      askInBackground: (entry) => {
        // Asking for an event is no read.
        entry.awaitRead();
        this.#askInBackground({ connectionId: entry.connectionId }, entry);
      },
    });
  }

  async #readWithCare(ref: LooseRef, options: ReadOptions | undefined): Promise<Credential> {
    checkRef(ref);
    const { signal, minValidity = 0 } = checkedOptions(options, READ_KEYS);
    if (!(minValidity >= 0 && minValidity <= 86_400)) {
      throw invalidField('minValidity', 'must be from 0 to 86,400 seconds');
    }
    signal?.throwIfAborted();
    const neededMillis = minValidity * 1_000;
    const entry = this.#cache.find(ref);
    if (entry !== undefined && this.#lasts(entry, neededMillis)) {
      return this.#serve(ref, entry, neededMillis, signal);
    }
    // Expired ones are dropped, not only passed over: a secret that can't be served has no business in memory.
    if (entry !== undefined && !this.#lasts(entry, 0)) this.#cache.drop(entry.connectionId, 'expired');
    else if (entry !== undefined && this.#isGood(entry)) this.#refuseBeyond(entry.credential, minValidity);
    this.#observer.miss(ref);
    const site = callSite();
    try {
      const credential = await abortable(this.#ask(ref), signal);
      if (this.#lastsLongEnough(credential, neededMillis)) return credential;
      this.#refuseBeyond(credential, minValidity);
      return await abortable(this.#renew(ref, credential, minValidity), signal);
    } catch (error) {
      throw errorOfCaller(error, site);
    }
  }

  /** @throws AuthpipeError where it is known that no credential is valid for so long */
  #refuseBeyond({ connectionId, version }: Credential, minValidity: number): void {
    const refusal = this.#limits.refusal(connectionId, version, minValidity);
    if (refusal !== undefined) throw refusal;
  }

  /** Answers from an entry that is valid for long enough; how old the server's word is decides who waits. */
  async #serve(
    ref: LooseRef,
    entry: CacheEntry,
    neededMillis: number,
    signal: AbortSignal | undefined,
  ): Promise<Credential> {
    if (this.#isGood(entry)) {
      if (this.#uses !== undefined) this.#uses.add(entry);
      if (this.#hitObserver !== undefined) this.#hitObserver.hit(ref, entry);
      return entry.credential;
    }
    if (this.#mayBeServed(entry)) return this.#serveStale(ref, entry);
    this.#observer.miss(ref);
    const site = callSite();
    try {
      return await abortable(this.#ask(ref, true), signal);
    } catch (error) {
      // No verdict, and the entry was not dropped meanwhile: the server is in trouble, the credential is not.
      const servable = verdictOf(error) === 'unknown' && this.#cache.holds(entry);
      if (error instanceof AuthpipeError && servable && this.#lasts(entry, neededMillis))
        return entry.credential;
      throw errorOfCaller(error, site);
    }
  }

  /** Whether a read needs no further thought. */
  #isGood(entry: CacheEntry): boolean {
    const now = this.#now();
    return entry.isQuiet(now) || this.#isGoodAfterAll(entry, now);
  }

  #isGoodAfterAll(entry: CacheEntry, now: number): boolean {
    entry.noteRead();
    return entry.isQuiet(now) || this.#trust.confirm(entry, now);
  }

  /** Whether an entry may be served without the server's word: it is recent, or will not come. */
  #mayBeServed(entry: CacheEntry): boolean {
    return this.#now() < entry.staleAtMillis || entry.unanswered || this.#settings.transport.isTroubled;
  }

  #serveStale(ref: LooseRef, entry: CacheEntry): Credential {
    const { credential } = entry;
    this.#uses?.add(entry);
    this.#observer.stale(ref, entry);
    this.#askInBackground(ref, entry);
    return credential;
  }

  /** Asks once for all who read it meanwhile, by whichever ref: they are answered from the entry. */
  #askInBackground(ref: LooseRef, entry: CacheEntry): void {
    const now = this.#now();
    const untilMillis = now + PAUSE_MILLIS;
    entry.rest(now < entry.staleAtMillis ? Math.min(untilMillis, entry.staleAtMillis) : untilMillis);
    this.#ask(ref, true).catch(() => undefined);
  }

  /** Asks the server, once for all who ask for the same ref. Who has something to fall back on has it tried only once. */
  #ask(ref: LooseRef, hasFallback = false): Promise<Credential> {
    const path = pathOfRef(ref);
    return this.#flights.join(flightKey(path ?? [ref.connectionId ?? '']), async (mayKeep) => {
      const askedAtMillis = this.#now();
      try {
        const answer = await this.#source.fetch(ref, hasFallback);
        this.#observer.answered(ref);
        this.#settings.onAnswer();
        const { credential } = answer;
        const now = this.#now();
        if (now >= answer.expiresAtMillis) throw alreadyExpired(credential, now - answer.expiresAtMillis);
        const { connectionId } = credential;
        if (!mayKeep(connectionId, credential)) return credential;
        const previousVersion = this.#cache.versionOf(connectionId) ?? credential.version;
        const freshness = this.#trust.inAnswer(askedAtMillis, answer.refreshAfterMillis);
        const kept = this.#cache.keep(path, answer, freshness);
        if (credential.version !== previousVersion && kept.credential === credential)
          this.#observer.refresh(connectionId, credential.version, previousVersion);
        return now < kept.expiresAtMillis ? kept.credential : credential;
      } catch (error) {
        this.#observer.error('credential', error, ref);
        this.#judge(error, this.#cache.find(ref));
        throw error;
      }
    });
  }

  /** Acts on what a failed question says about the credential held. */
  #judge(error: unknown, held: CacheEntry | undefined): void {
    const verdict = verdictOf(error);
    if (verdict === 'key_refused') this.forgetAll('refused');
    else if (held === undefined) return;
    else if (verdict === 'dead') this.forget(held.connectionId, 'refused');
    else {
      const asked = error instanceof AuthpipeError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
      const pauseMillis = Math.min(Math.max(asked, PAUSE_MILLIS), LONGEST_PAUSE_MILLIS);
      held.unanswered = true;
      held.rest(this.#now() + pauseMillis);
    }
  }

  /** Has the provider give a credential that lasts so long, once for all who want the same of this connection. */
  #renew(ref: LooseRef, { connectionId, version }: Credential, minValidity: number): Promise<Credential> {
    const seconds = Math.ceil(minValidity);
    return this.#renewals.join(flightKey([connectionId, String(seconds)]), async () => {
      try {
        await this.#settings.refreshFor(connectionId, seconds);
      } catch (error) {
        const detail = refusedValidity(error);
        throw detail === undefined ? error : this.#limits.note(connectionId, version, minValidity, detail);
      }
      this.forget(connectionId);
      const renewed = await this.#ask(ref);
      if (this.#lastsLongEnough(renewed, minValidity * 1_000)) return renewed;
      // The newest there is: it stays in the cache for whoever asks for less.
      const most = Math.floor((Date.parse(renewed.expiresAt ?? '') - this.#now()) / 1_000);
      const detail = `must be at most ${most}: this provider's newest token ends in ${most} s`;
      throw this.#limits.note(connectionId, renewed.version, most + 1, detail);
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

/** Why the server did not have a token renewed that would not have lasted; `undefined` for any other failure. */
const refusedValidity = (error: unknown): string | undefined =>
  error instanceof AuthpipeError && error.code === 'invalid_request'
    ? error.errors?.find(({ pointer }) => pointer === '/minValiditySeconds')?.detail
    : undefined;

const alreadyExpired = (credential: Credential, agoMillis: number): AuthpipeError =>
  new AuthpipeError(
    'internal_error',
    `Authpipe answered with a credential that expired ${Math.ceil(agoMillis / 1_000)} s ago: compare this machine's clock with the server's.`,
    { connectionId: credential.connectionId },
  );
