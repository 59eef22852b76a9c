// Run by other-runners.test.ts as users run it, with `node --test`.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAuthpipe } from '@authpipe/node/testing';

const ref = { provider: 'acme', tenantId: 'org_1', userId: 'user_1' };

test('shows a user who has to reconnect', async () => {
  const { authpipe, testing } = createTestAuthpipe();
  await testing.connect(ref);
  assert.equal((await authpipe.getCredential(ref)).credential, 'test-credential-1');
  await testing.needsReconnect(ref);
  await assert.rejects(authpipe.getCredential(ref), { code: 'needs_reconnect' });
});

test('lets a token end in five seconds', async () => {
  const { authpipe, testing } = createTestAuthpipe();
  await testing.connect(ref);
  await authpipe.getCredential(ref);
  await testing.expiresIn(ref, 5);
  await testing.advance(5);
  assert.equal((await authpipe.getCredential(ref)).credential, 'test-credential-2');
});
