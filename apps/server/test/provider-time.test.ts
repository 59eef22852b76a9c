import { describe, expect, it } from '@jest/globals';
import { addSeconds } from '../src/clock.js';
import { parseHttpDate, secondsUntil } from '../src/oauth/provider-time.js';
import { retryAfterSeconds } from '../src/oauth/token-request-error.js';

const now = new Date('2026-03-01T12:00:00Z');
const clock = { now: () => now };
const HOUR = 3600;

const headersAt = (date: Date, more: Record<string, string> = {}) => ({ date: date.toUTCString(), ...more });

describe('an HTTP date', () => {
  it.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    ' sun, 06 nov 1994 08:49:37 gmt ',
  ])('is read in the form %p, always in UTC', (text) => {
    expect(parseHttpDate(text)?.toISOString()).toBe('1994-11-06T08:49:37.000Z');
  });

  it.each(['', '120.5', '1994', '2026-03-01T12:00:00Z', 'soon', 'Sun, 99 Nov 1994', 'Monday'])(
    'is not %p',
    (text) => {
      expect(parseHttpDate(text)).toBeNull();
    },
  );
});

describe('the time until an instant that a provider told', () => {
  it.each([-HOUR, 0, HOUR, 400 * 24 * HOUR])('is right while its clock is off by %p seconds', (off) => {
    const theirs = addSeconds(now, off);
    expect(secondsUntil(addSeconds(theirs, 90), headersAt(theirs), clock)).toBe(90);
  });

  it('is right while our clock was never set', () => {
    const unset = { now: () => new Date(0) };
    expect(secondsUntil(addSeconds(now, 90), headersAt(now), unset)).toBe(90);
  });

  it('is negative once it has passed', () => {
    expect(secondsUntil(addSeconds(now, -5), headersAt(now), clock)).toBe(-5);
  });

  it.each([undefined, '', 'yesterday', 'Thu, 01 Jan 1970 00:00:09 GMT', '1772366400'])(
    'is by our clock where the answer’s Date is %p',
    (date) => {
      const headers = date === undefined ? {} : { date };
      expect(secondsUntil(addSeconds(now, 90), headers, clock)).toBe(90);
    },
  );
});

describe('when to come back', () => {
  const theirs = addSeconds(now, HOUR);
  const wait = (
    headers: Record<string, string>,
    resetUnit?: 'epoch_seconds' | 'delta_seconds',
    status = 429,
  ) =>
    retryAfterSeconds(
      { status, headers, body: undefined },
      {
        baseUrl: 'https://acme.test',
        readError: () => ({ result: 'inconclusive', reason: null }),
        ...(resetUnit ? { rateLimit: { reset: 'x-reset', resetUnit } } : {}),
      },
      clock,
    );

  it('is what Retry-After says in seconds, rounded up, whoever’s clock is wrong', () => {
    expect(wait(headersAt(theirs, { 'retry-after': '17' }))).toBe(17);
    expect(wait(headersAt(theirs, { 'retry-after': '0.5' }))).toBe(1);
  });

  it('is right by a Retry-After date of a provider whose clock is an hour off', () => {
    const date = addSeconds(theirs, 120).toUTCString();
    expect(wait(headersAt(theirs, { 'retry-after': date }))).toBe(120);
    expect(wait({ 'retry-after': addSeconds(now, 120).toUTCString() })).toBe(120);
  });

  it('is now, not before, for a date that has passed', () => {
    expect(wait(headersAt(theirs, { 'retry-after': addSeconds(theirs, -120).toUTCString() }))).toBe(0);
  });

  it('is right by a reset header of a provider whose clock is an hour off', () => {
    const reset = String(theirs.getTime() / 1000 + 40);
    expect(wait(headersAt(theirs, { 'x-reset': reset }), 'epoch_seconds')).toBe(40);
    expect(wait(headersAt(theirs, { 'x-reset': '40' }), 'delta_seconds')).toBe(40);
  });

  it('is not told by a text that is neither seconds nor a date', () => {
    expect(wait({ 'retry-after': 'soon' })).toBeNull();
    expect(wait({ 'x-reset': 'soon' }, 'epoch_seconds')).toBeNull();
    expect(wait({ 'x-reset': '40' }, 'delta_seconds', 503)).toBeNull();
  });
});
