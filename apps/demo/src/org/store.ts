import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { OrgClock } from './clock.js';
import type { TokenSettings } from './settings.js';

/*
 * Why the store translates time.
 *
 * oidc-provider reads `Date.now()` itself and takes no clock. Replacing the global would move time for everything
 * else in the process, so the store keeps every time in the org's clock and shows it to the library in the system's:
 * written times get the difference between the two clocks added, read times get it taken off. When the org's clock
 * moves by 90 days, every record looks 90 days older to the library, and its own rules do the rest.
 *
 * What is left in system time are ID tokens, which the library signs itself: right for clients, whose clocks the
 * org's does not move.
 */
const PAST_TIMES = ['iat', 'iiat', 'authTime', 'loginTs'] as const;

/** A record of the library, with the fields the org looks at. */
export type OrgRecordPayload = AdapterPayload & {
  loginTs?: number | undefined;
  authTime?: number | undefined;
  openid?: { scope?: string };
};

interface StoredRecord {
  model: string;
  id: string;
  /** The library's record, its times in the org's clock. */
  payload: OrgRecordPayload;
  /** When it was first used up, in milliseconds of the org's clock. */
  consumedAtMillis?: number;
}

/** A record as the rest of the org sees it: times in seconds of the org's clock. */
export interface OrgRecord extends OrgRecordPayload {
  id: string;
}

/**
 * Everything the authorization server remembers. It is a plain map without a bound: the library's own store forgets
 * after 1,000 entries, which would look like the client's loss.
 */
export class OrgStore {
  readonly #records = new Map<string, StoredRecord>();
  /** The end of each grant's refresh tokens, fixed by the first one. Rotation does not extend it. */
  readonly #refreshTokenEnds = new Map<string, number>();

  constructor(
    private readonly clock: OrgClock,
    private readonly settings: Pick<TokenSettings, 'graceSeconds'>,
  ) {}

  /** The library's view of one kind of record. */
  adapter(model: string): Adapter {
    return {
      upsert: async (id, payload) => this.#write(model, id, payload),
      find: async (id) => this.#read(this.#records.get(keyOf(model, id))),
      findByUid: async (uid) => this.#read(this.#find(model, (payload) => payload.uid === uid)),
      findByUserCode: async (code) => this.#read(this.#find(model, (payload) => payload.userCode === code)),
      consume: async (id) => this.#consume(model, id),
      destroy: async (id) =>
        model === 'Grant' ? this.deleteGrant(id) : void this.#records.delete(keyOf(model, id)),
      revokeByGrantId: async (grantId) =>
        void this.#delete((record) => record.model === model && record.payload.grantId === grantId),
    };
  }

  /** All records of a kind, oldest first. */
  list(model: string): OrgRecord[] {
    return [...this.#records.values()]
      .filter((record) => record.model === model)
      .map((record) => ({ ...record.payload, id: record.id }));
  }

  /** The end of a grant's refresh tokens in seconds of the org's clock; undefined where none was issued. */
  refreshTokenEnd(grantId: string): number | undefined {
    return this.#refreshTokenEnds.get(grantId);
  }

  /** The grant that a refresh token belongs to; `null` for one the org does not know (any more). */
  grantOfRefreshToken(token: string): string | null {
    return this.#records.get(keyOf('RefreshToken', token))?.payload.grantId ?? null;
  }

  /** When a refresh token was used up first, in milliseconds of the org's clock; `null` while it is not, or is unknown. */
  refreshTokenFirstUsedAt(token: string): number | null {
    return this.#records.get(keyOf('RefreshToken', token))?.consumedAtMillis ?? null;
  }

  /** Forgets a grant and every code and token that came from it. */
  deleteGrant(grantId: string): void {
    this.#records.delete(keyOf('Grant', grantId));
    this.#delete((record) => record.payload.grantId === grantId);
    this.#refreshTokenEnds.delete(grantId);
  }

  /** Ends every access token issued so far; refresh tokens stay. Returns how many there were. */
  deleteAccessTokens(): number {
    return this.#delete(({ model }) => model === 'AccessToken' || model === 'ClientCredentials');
  }

  /** Narrows every grant and token that holds a scope. */
  removeScope(scope: string): void {
    const without = (scopes: string): string =>
      scopes
        .split(' ')
        .filter((one) => one !== scope)
        .join(' ');
    for (const { payload } of this.#records.values()) {
      if (typeof payload.scope === 'string') payload.scope = without(payload.scope);
      if (payload.openid?.scope !== undefined) payload.openid.scope = without(payload.openid.scope);
    }
  }

  /** Signs a user out of every browser. */
  deleteSessions(userId: string): void {
    this.#delete((record) => record.model === 'Session' && record.payload.accountId === userId);
  }

  clear(): void {
    this.#records.clear();
    this.#refreshTokenEnds.clear();
  }

  #write(model: string, id: string, payload: AdapterPayload): void {
    const ahead = this.clock.secondsAheadOfSystem();
    const stored: OrgRecordPayload = structuredClone(payload);
    for (const name of [...PAST_TIMES, 'exp'] as const) {
      if (stored[name] !== undefined) stored[name] += ahead;
    }
    if (model === 'RefreshToken' && stored.grantId && stored.exp !== undefined) {
      const end = this.#refreshTokenEnds.get(stored.grantId) ?? stored.exp;
      this.#refreshTokenEnds.set(stored.grantId, end);
      stored.exp = end;
    }
    this.#records.set(keyOf(model, id), { model, id, payload: stored });
  }

  #read(record: StoredRecord | undefined): AdapterPayload | undefined {
    if (!record) return undefined;
    const systemNow = Math.floor(Date.now() / 1000);
    const ahead = this.clock.secondsAheadOfSystem();
    const shown: OrgRecordPayload = structuredClone(record.payload);
    for (const name of PAST_TIMES) {
      // Never in the library's future: it would refuse the record.
      if (shown[name] !== undefined) shown[name] = Math.min(shown[name] - ahead, systemNow);
    }
    if (shown.exp !== undefined) {
      // Whether it is over is decided here, in the org's clock, so that rounding between two clocks can't change it.
      const isOver = shown.exp <= this.clock.nowSeconds();
      shown.exp = isOver
        ? Math.min(shown.exp - ahead, systemNow)
        : Math.max(shown.exp - ahead, systemNow + 1);
    }
    if (this.#isUsedUp(record)) shown.consumed = true;
    return shown;
  }

  /** Okta lets a replaced refresh token be used again for a while; every other record is used up at once. */
  #isUsedUp({ model, consumedAtMillis }: StoredRecord): boolean {
    if (consumedAtMillis === undefined) return false;
    if (model !== 'RefreshToken') return true;
    return this.clock.nowMillis() >= consumedAtMillis + this.settings.graceSeconds * 1000;
  }

  #consume(model: string, id: string): void {
    const record = this.#records.get(keyOf(model, id));
    // The grace runs from the first use: using it again must not prolong it.
    if (record) record.consumedAtMillis ??= this.clock.nowMillis();
  }

  #find(model: string, matches: (payload: OrgRecordPayload) => boolean): StoredRecord | undefined {
    for (const record of this.#records.values()) {
      if (record.model === model && matches(record.payload)) return record;
    }
    return undefined;
  }

  #delete(matches: (record: StoredRecord) => boolean): number {
    let deleted = 0;
    for (const [key, record] of this.#records) {
      if (matches(record) && this.#records.delete(key)) deleted += 1;
    }
    return deleted;
  }
}

function keyOf(model: string, id: string): string {
  return `${model}:${id}`;
}
