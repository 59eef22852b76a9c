import type { Credential } from '@authpipe/types';
import type { RefPath } from './owner-index.js';
import type { CredentialAnswer } from './read-credential.js';

/** For how long the server's word on a credential is taken as it is. Times are milliseconds since 1970. */
export interface Confirmation {
  readonly quietUntilMillis: number;
  readonly staleAtMillis: number;
}

/** How the cache judges an answer's age. */
export interface Freshness extends Confirmation {
  /** When the request was sent: what the answer says was true then or later. */
  readonly askedAtMillis: number;
  readonly answeredAtMillis: number;
}

/** One connection's credential and how long each kind of trust in it lasts. */
export class CacheEntry {
  // The four that a warm read looks at come first, and the numbers are small integers, which V8 keeps in the
  // object itself: with thousands of entries a read costs what it has to fetch from main memory.
  /** Until then, rounded down, a read is answered at once and nothing else happens. Seconds since 1970. */
  quietUntilSeconds = 0;
  /** How many entries had come in when a read of this one was last recorded. */
  touchedAt: number;
  /** How often it was served since that was last told. */
  uses = 0;
  /** The credential as a settled promise, made once: a warm read hands out this very one. */
  promise: Promise<Credential>;

  credential: Credential;
  readonly connectionId: string;
  /** The last question got no answer: reads are served and the server is asked in the background. */
  unanswered = false;
  /** Something newer is known to be there: only an answer confirms this entry, the event stream does not. */
  outdated = false;
  /** Whether anyone has read it since the event stream had it fetched. */
  wasRead = true;
  /** What `quietUntilSeconds` is, or will be from the first read on. */
  restUntilSeconds = 0;
  /** Where the owner index points here. */
  paths: RefPath[] = [];
  /** An event of a lower version tells nothing new. */
  leastVersion: number;
  /** When the request was sent that brought it. Milliseconds since 1970, as the next four. */
  askedAtMillis: number;
  /** When its answer came in: the server, asked after that, knows no lower version, unless it was set back. */
  answeredAtMillis: number;
  expiresAtMillis: number;
  refreshAfterMillis: number;
  /** From then on a read waits for the server's word, unless the server gave none the last time. */
  staleAtMillis: number;

  constructor(answer: CredentialAnswer, freshness: Freshness, touchedAt: number) {
    const { credential } = answer;
    this.touchedAt = touchedAt;
    this.promise = Promise.resolve(credential);
    this.credential = credential;
    this.connectionId = credential.connectionId;
    this.leastVersion = credential.version;
    this.askedAtMillis = freshness.askedAtMillis;
    this.answeredAtMillis = freshness.answeredAtMillis;
    this.expiresAtMillis = answer.expiresAtMillis;
    this.refreshAfterMillis = answer.refreshAfterMillis;
    this.staleAtMillis = freshness.staleAtMillis;
    this.rest(Math.min(freshness.quietUntilMillis, freshness.staleAtMillis));
  }

  /** Takes over an answer about the same connection, unless what is held is newer. */
  update(answer: CredentialAnswer, freshness: Freshness): void {
    // Answers overtake each other on the way: the version decides, then which request was sent later. A lower version that
    // was asked for when this one was here already is no older answer: the database was restored from a backup.
    const { version } = answer.credential;
    if (version < this.credential.version && freshness.askedAtMillis <= this.answeredAtMillis) return;
    if (version === this.credential.version && freshness.askedAtMillis < this.askedAtMillis) return;
    this.promise = Promise.resolve(answer.credential);
    this.credential = answer.credential;
    this.leastVersion = version;
    this.askedAtMillis = freshness.askedAtMillis;
    this.answeredAtMillis = freshness.answeredAtMillis;
    this.expiresAtMillis = answer.expiresAtMillis;
    this.refreshAfterMillis = answer.refreshAfterMillis;
    this.outdated = false;
    this.confirm(freshness);
  }

  /** Takes the server's word that what is held still stands. */
  confirm({ quietUntilMillis, staleAtMillis }: Confirmation): void {
    this.staleAtMillis = staleAtMillis;
    this.unanswered = false;
    this.rest(Math.min(quietUntilMillis, staleAtMillis));
  }

  /** Lets reads be answered without a further thought until then, or until it expires. */
  rest(untilMillis: number): void {
    this.restUntilSeconds = Math.floor(Math.min(untilMillis, this.expiresAtMillis) / 1_000);
    if (this.wasRead) this.quietUntilSeconds = this.restUntilSeconds;
  }

  /** Counts as not read until the next read, which needs a further thought: a quiet one would not be noticed. */
  awaitRead(): void {
    this.wasRead = false;
    this.quietUntilSeconds = 0;
  }

  /** Notes that it was read. */
  noteRead(): void {
    if (this.wasRead) return;
    this.wasRead = true;
    this.quietUntilSeconds = this.restUntilSeconds;
  }

  /** Whether a read at `nowMillis` needs no further thought. */
  isQuiet(nowMillis: number): boolean {
    return nowMillis < this.quietUntilSeconds * 1_000;
  }
}
