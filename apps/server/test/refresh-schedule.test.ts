import { describe, expect, it } from '@jest/globals';
import { addSeconds } from '../src/clock.js';
import { nextProbeAt } from '../src/credentials/probe-schedule.js';
import { accessTokenExpiry, refreshDueAt } from '../src/credentials/refresh-schedule.js';
import { ambiguousRetrySeconds, backoffSeconds, slowRetrySeconds } from '../src/refresh/retry-delay.js';

const issuedAt = new Date('2026-03-01T12:00:00Z');
const after = (seconds: number) => addSeconds(issuedAt, seconds);
const dueAfter = (lifetimeSeconds: number, fraction: number) => {
  const due = refreshDueAt({
    issuedAt,
    expiresAt: after(lifetimeSeconds),
    hasRefreshToken: true,
    fraction,
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

  it('is at once for a token whose end nobody told, if there is a refresh token (hazard 5)', () => {
    expect(refreshDueAt({ issuedAt, expiresAt: null, hasRefreshToken: true, fraction: 0 })).toEqual(issuedAt);
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

  it('is left to the ordinary backoff where there is no grace, or no more of it', () => {
    const after = (sinceFirstUseSeconds: number, graceSeconds: number) =>
      ambiguousRetrySeconds({ sinceFirstUseSeconds, graceSeconds, fraction: 0 });
    expect([after(0, 0), after(29.5, 30), after(30, 30), after(500, 30)]).toEqual([null, null, null, null]);
  });
});
