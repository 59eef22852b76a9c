import { describe, expect, it } from '@jest/globals';
import { addSeconds } from '../src/clock.js';
import { nextProbeAt } from '../src/credentials/probe-schedule.js';
import {
  accessTokenExpiry,
  expiringNoticeAt,
  learnedLifetimeSeconds,
  type RefreshTiming,
  refreshDueAt,
  refreshEndAfterConsent,
  refreshEndAfterRefresh,
  refreshTokenExpiry,
} from '../src/credentials/refresh-schedule.js';
import { ambiguousRetrySeconds, backoffSeconds, slowRetrySeconds } from '../src/refresh/retry-delay.js';
import { oktaMethod } from './support/okta.js';

const DAY = 86_400;

const issuedAt = new Date('2026-03-01T12:00:00Z');
const after = (seconds: number) => addSeconds(issuedAt, seconds);
/** Seconds from issue to the refresh of a token that lives this long; null for one whose end is not known. */
const dueAfter = (lifetimeSeconds: number | null, fraction: number, more: Partial<RefreshTiming> = {}) => {
  const due = refreshDueAt({
    issuedAt,
    expiresAt: lifetimeSeconds === null ? null : after(lifetimeSeconds),
    hasRefreshToken: true,
    fraction,
    ...more,
  });
  return ((due?.getTime() ?? Number.NaN) - issuedAt.getTime()) / 1000;
};

describe('when a refresh is due', () => {
  it('is five minutes ahead of the end of an hour', () => {
    expect(dueAfter(3600, 0)).toBe(3300);
  });

  it('is a fifth of the lifetime ahead where that is shorter', () => {
    expect(dueAfter(60, 0)).toBe(48);
    expect(dueAfter(10, 0)).toBe(8);
  });

  it('moves earlier by jitter, never later, and never before the half of a short life', () => {
    expect(dueAfter(3600, 0.999)).toBeLessThan(3300);
    expect(dueAfter(3600, 0.999)).toBeGreaterThan(3149);
    expect(dueAfter(10, 0.999)).toBeGreaterThan(5);
  });

  it('is at once for a token from elsewhere whose end nobody told, if there is a refresh token (hazard 5)', () => {
    expect(refreshDueAt({ issuedAt, expiresAt: null, hasRefreshToken: true, fraction: 0 })).toEqual(issuedAt);
    expect(dueAfter(null, 0, { idleLifetimeSeconds: 30 * DAY })).toBe(0);
  });

  it('is not set for a token fresh from the provider whose end nobody told: there is nothing to be ahead of', () => {
    const timing = { issuedAt, expiresAt: null, hasRefreshToken: true, fraction: 0, isFresh: true };
    expect(refreshDueAt(timing)).toBeNull();
  });

  it('is the same for a fresh token as for any other where the end is known', () => {
    expect(dueAfter(3600, 0.5, { isFresh: true })).toBe(dueAfter(3600, 0.5));
  });

  it('is well within the idle lifetime, where the access token outlives it or has no known end', () => {
    const idle = { idleLifetimeSeconds: 30 * DAY };
    expect(dueAfter(60 * DAY, 0, idle)).toBe(15 * DAY);
    expect(dueAfter(null, 0, { ...idle, isFresh: true })).toBe(15 * DAY);
    expect(dueAfter(60 * DAY, 0.999, idle)).toBeGreaterThanOrEqual(12 * DAY);
    expect(dueAfter(60 * DAY, 0.999, idle)).toBeLessThan(15 * DAY);
  });

  it('is ahead of the access token’s end where that comes before', () => {
    expect(dueAfter(3600, 0, { idleLifetimeSeconds: 30 * DAY })).toBe(3300);
  });

  it('is late where a refresh kills the old token: a minute and a tenth of the lifetime ahead at most', () => {
    const kills = { refreshInvalidatesAccessToken: true };
    expect(dueAfter(8 * 3600, 0, kills)).toBe(8 * 3600 - 60);
    expect(dueAfter(100, 0, kills)).toBe(90);
    expect(dueAfter(8 * 3600, 0.999, kills)).toBeGreaterThan(8 * 3600 - 60);
    expect(dueAfter(8 * 3600, 0.999, kills)).toBeLessThan(8 * 3600 - 29);
    expect(dueAfter(8 * 3600, 0, { ...kills, idleLifetimeSeconds: 2 * 3600 })).toBe(3600);
  });

  it('is the end itself without a refresh token, so that the end is noticed, and never without an end', () => {
    const end = after(3600);
    expect(refreshDueAt({ issuedAt, expiresAt: end, hasRefreshToken: false, fraction: 0.5 })).toEqual(end);
    expect(refreshDueAt({ issuedAt, expiresAt: null, hasRefreshToken: false, fraction: 0.5 })).toBeNull();
  });
});

describe('when an access token ends', () => {
  it('is its lifetime after it was asked for, ten years at most', () => {
    expect(accessTokenExpiry(issuedAt, 3600)).toEqual(after(3600));
    expect(accessTokenExpiry(issuedAt, 3_600_000_000)).toEqual(after(10 * 365 * 86_400));
  });

  it('is at once for a negative lifetime, and unknown where none is known', () => {
    expect(accessTokenExpiry(issuedAt, -5)).toEqual(issuedAt);
    expect(accessTokenExpiry(issuedAt, null)).toBeNull();
  });
});

describe('when a refresh token ends', () => {
  const method = (refreshToken: Partial<typeof oktaMethod.refreshToken>) => ({
    ...oktaMethod,
    refreshToken: { rotation: 'rotating' as const, graceSeconds: 0, ...refreshToken },
  });
  const told = (refreshExpiresInSeconds: number | null, refreshToken: string | null = 'rt_2') => ({
    refreshExpiresInSeconds,
    refreshToken,
  });
  const absolute = method({ absoluteLifetimeSeconds: 90 * DAY });

  it('is told by the answer to the consent, else by the definition, else by nobody', () => {
    const atConsent = (of: typeof oktaMethod, grant: ReturnType<typeof told>) =>
      refreshEndAfterConsent({ method: of, grant, issuedAt });
    expect(atConsent(absolute, told(3600))).toEqual(after(3600));
    expect(atConsent(absolute, told(null))).toEqual(refreshTokenExpiry(absolute, issuedAt));
    expect(atConsent(absolute, told(null))).toEqual(after(90 * DAY));
    expect(atConsent(method({}), told(null))).toBeNull();
    expect(atConsent(absolute, told(3600, null))).toBeNull();
  });

  const afterRefresh = (of: typeof oktaMethod, grant: ReturnType<typeof told>, inherited: Date | null) =>
    refreshEndAfterRefresh({ method: of, grant, issuedAt, inherited });

  it('is told anew by the answer to a refresh, sooner or later than before', () => {
    expect(afterRefresh(absolute, told(3600), after(DAY))).toEqual(after(3600));
    expect(afterRefresh(method({}), told(9 * DAY), after(DAY))).toEqual(after(9 * DAY));
    expect(afterRefresh(method({}), told(9 * DAY, null), null)).toEqual(after(9 * DAY));
  });

  it('is inherited by rotation where the definition counts from the consent, as long as it is ahead', () => {
    expect(afterRefresh(absolute, told(null), after(DAY))).toEqual(after(DAY));
    expect(afterRefresh(absolute, told(null), after(-1))).toBeNull();
    expect(afterRefresh(absolute, told(null), null)).toBeNull();
  });

  it('stays for the same token, unless that lives by being used', () => {
    expect(afterRefresh(method({}), told(null, null), after(DAY))).toEqual(after(DAY));
    expect(afterRefresh(method({ rotation: 'static' }), told(null), after(DAY))).toEqual(after(DAY));
    expect(afterRefresh(method({ idleLifetimeSeconds: DAY }), told(null, null), after(DAY))).toBeNull();
  });

  it('is not known for a new token of which nobody says anything', () => {
    expect(afterRefresh(method({}), told(null), after(DAY))).toBeNull();
  });
});

describe('when people are told that a grant ends', () => {
  const noticeAfter = (lifetimeSeconds: number) => expiringNoticeAt(issuedAt, after(lifetimeSeconds));

  it('is two weeks ahead', () => {
    expect(noticeAfter(90 * DAY)).toEqual(after(76 * DAY));
    expect(noticeAfter(56 * DAY)).toEqual(after(42 * DAY));
  });

  it('is with a quarter of its life left, where that is shorter than eight weeks', () => {
    expect(noticeAfter(8 * DAY)).toEqual(after(6 * DAY));
    expect(noticeAfter(400)).toEqual(after(300));
  });

  it('is never without an end, and at the end where there was no life', () => {
    expect(expiringNoticeAt(issuedAt, null)).toBeNull();
    expect(noticeAfter(-60)).toEqual(after(-60));
  });
});

describe('the lifetime learned from a refusal', () => {
  it('is the time that the token worked, or what was learned before where that is shorter', () => {
    expect(learnedLifetimeSeconds(issuedAt, after(3600.9), null)).toBe(3600);
    expect(learnedLifetimeSeconds(issuedAt, after(3600), 7200)).toBe(3600);
    expect(learnedLifetimeSeconds(issuedAt, after(3600), 1800)).toBe(1800);
  });

  it('is a minute at least: a token refused at once was revoked, and a clock may have been set back', () => {
    expect(learnedLifetimeSeconds(issuedAt, after(3), null)).toBe(60);
    expect(learnedLifetimeSeconds(issuedAt, after(-500), 7200)).toBe(60);
  });
});

describe('when a connection is probed next', () => {
  it('is within the interval, spread over its last fifth', () => {
    const at = (fraction: number) =>
      nextProbeAt({ kind: 'oauth2', now: issuedAt, intervalSeconds: 900, fraction });
    expect(at(0)).toEqual(after(900));
    expect(at(0.999).getTime()).toBeGreaterThan(after(719).getTime());
  });

  it('is within the hour for keys, whatever the interval of OAuth connections (hazard 6)', () => {
    expect(nextProbeAt({ kind: 'api_key', now: issuedAt, intervalSeconds: 5, fraction: 0 })).toEqual(
      after(3600),
    );
  });
});

describe('when a failed refresh is tried again', () => {
  it('doubles with each failure up to five minutes, with full jitter, and is never at once', () => {
    expect([0, 1, 2, 3, 20].map((failures) => Math.round(backoffSeconds(failures, null, 0.999)))).toEqual([
      3, 5, 9, 17, 301,
    ]);
    expect(backoffSeconds(7, null, 0)).toBe(1);
  });

  it('is not before the provider said, and not an eternity later', () => {
    expect(backoffSeconds(0, 120, 0)).toBe(120);
    expect(backoffSeconds(0, 1e9, 0)).toBe(3600);
  });

  it('is slow where a person has to change something first', () => {
    expect(slowRetrySeconds(0)).toBe(300);
  });
});

describe('when a rotation whose answer may be lost is repeated', () => {
  /** When the tries are made, in seconds after the first; each takes `triedSeconds` to fail. */
  const triesIn = (graceSeconds: number, fraction: number, triedSeconds = 0): number[] => {
    const tries: number[] = [];
    let sinceFirstUseSeconds = triedSeconds;
    for (;;) {
      const wait = ambiguousRetrySeconds({ sinceFirstUseSeconds, graceSeconds, fraction });
      if (wait === null) return tries;
      tries.push(sinceFirstUseSeconds + wait);
      sinceFirstUseSeconds += wait + triedSeconds;
    }
  };

  it('is within two seconds at first, and spread', () => {
    const wait = (fraction: number) =>
      ambiguousRetrySeconds({ sinceFirstUseSeconds: 0, graceSeconds: 30, fraction });
    expect(wait(0)).toBe(1);
    expect(wait(0.999)).toBeCloseTo(1.999);
  });

  it('is many times inside a grace of 30 s, and never after it', () => {
    for (const fraction of [0, 0.5, 0.999]) {
      const tries = triesIn(30, fraction);
      expect(tries.length).toBeGreaterThanOrEqual(8);
      expect(Math.max(...tries)).toBeLessThan(30);
    }
  });

  it('is inside the grace twice more where each try hangs until its timeout', () => {
    for (const fraction of [0, 0.999]) expect(triesIn(30, fraction, 10)).toHaveLength(2);
  });

  it('does not spend a long grace on a try a second', () => {
    expect(triesIn(3600, 0).length).toBeLessThan(70);
  });

  it('leaves a provider that is in trouble alone as the ordinary backoff does, and still comes back inside the grace', () => {
    const after = (sinceFirstUseSeconds: number, usualSeconds: number) =>
      ambiguousRetrySeconds({ sinceFirstUseSeconds, graceSeconds: 30, fraction: 0, usualSeconds });
    expect([after(0, 3), after(3, 9), after(3, 300), after(24, 300)]).toEqual([3, 9, 13.5, 3]);
  });

  it('is left to the ordinary backoff where there is no grace, or no more of it', () => {
    const after = (sinceFirstUseSeconds: number, graceSeconds: number) =>
      ambiguousRetrySeconds({ sinceFirstUseSeconds, graceSeconds, fraction: 0 });
    expect([after(0, 0), after(29.5, 30), after(30, 30), after(500, 30)]).toEqual([null, null, null, null]);
  });
});
