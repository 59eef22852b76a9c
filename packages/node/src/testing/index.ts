export type { CredentialRef, OwnerRef } from '../credential-ref.js';
export { createTestAuthpipe, type TestAuthpipe, type TestAuthpipeOptions } from './create-test-authpipe.js';
export type { TestProviders, TestRequest } from './memory-server.js';
export type { TestConnect } from './memory-sessions.js';
export type { SignedWebhook } from './sign-webhook.js';
export type { TestControls, TestRefresh } from './test-controls.js';
export type { TestCredential } from './test-credential.js';
