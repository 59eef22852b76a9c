// Run by other-runners.test.ts as users run it, with `vitest run`.
import { createTestAuthpipe } from '@authpipe/node/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

const ref = { provider: 'acme', tenantId: 'org_1', userId: 'user_1' } as const;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('shows a user who has to reconnect, under fake timers too', async () => {
  const { authpipe, testing } = createTestAuthpipe();
  await testing.connect(ref);
  expect((await authpipe.getCredential(ref)).credential).toBe('test-credential-1');
  await testing.needsReconnect(ref);
  await expect(authpipe.getCredential(ref)).rejects.toMatchObject({ code: 'needs_reconnect' });
});

it('lets a token end in five seconds', async () => {
  const { authpipe, testing } = createTestAuthpipe();
  await testing.connect(ref);
  await authpipe.getCredential(ref);
  await testing.expiresIn(ref, 5);
  await testing.advance(5);
  expect((await authpipe.getCredential(ref)).credential).toBe('test-credential-2');
});
