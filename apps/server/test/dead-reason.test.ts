import { describe, expect, it } from '@jest/globals';
import { addSeconds } from '../src/clock.js';
import { deadReason } from '../src/refresh/dead-reason.js';
import { oktaMethod } from './support/okta.js';

const now = new Date('2026-03-01T12:00:00Z');
const revoked = { outcome: 'reconnect', reason: 'revoked', detail: '' } as const;
const lasting = { refreshExpiresAt: addSeconds(now, 86_400), refreshIntentAt: null, rotates: null };

describe('why a grant is dead', () => {
  it('is revocation, when nothing else explains it', () => {
    expect(deadReason(revoked, lasting, oktaMethod, now)).toBe('revoked');
    expect(deadReason({ ...revoked, reason: null }, lasting, oktaMethod, now)).toBe('revoked');
  });

  it('is what the provider says, when it says more', () => {
    expect(deadReason({ ...revoked, reason: 'user_deactivated' }, lasting, oktaMethod, now)).toBe(
      'user_deactivated',
    );
  });

  it('is the known end of the refresh token, once that has come', () => {
    expect(deadReason(revoked, { ...lasting, refreshExpiresAt: now }, oktaMethod, now)).toBe(
      'refresh_token_expired',
    );
    const almost = addSeconds(now, 30);
    expect(deadReason(revoked, { ...lasting, refreshExpiresAt: almost }, oktaMethod, now)).toBe(
      'refresh_token_expired',
    );
  });

  it('is a lost rotation, when an earlier refresh was never heard of', () => {
    const unheard = { ...lasting, refreshIntentAt: addSeconds(now, -40) };
    expect(deadReason(revoked, unheard, oktaMethod, now)).toBe('rotation_lost');
  });

  it('is no lost rotation where the last refresh left the refresh token as it was', () => {
    const unheard = { ...lasting, refreshIntentAt: addSeconds(now, -40), rotates: false };
    expect(deadReason(revoked, unheard, oktaMethod, now)).toBe('revoked');
  });

  it('is no lost rotation where refresh tokens are never replaced', () => {
    const unheard = { ...lasting, refreshIntentAt: addSeconds(now, -40) };
    const fixed = { ...oktaMethod, refreshToken: { rotation: 'static', graceSeconds: 0 } } as const;
    expect(deadReason(revoked, unheard, fixed, now)).toBe('revoked');
  });
});
